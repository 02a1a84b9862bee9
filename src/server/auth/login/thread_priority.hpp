// The priority of one thread; does nothing else.
#pragma once

namespace ftpc::server {

// Lets the calling thread give way to the threads of net and auth that somebody waits for at this moment:
// nice 5, about a third of the processor where others want it too, all of it where nobody does
// (setpriority(2), which in Linux concerns one thread). Needs no privilege; a system that refuses it changes
// nothing but that.
void lower_thread_priority() noexcept;

} // namespace ftpc::server
