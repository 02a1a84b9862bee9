// The priority of one thread; does nothing else.
#pragma once

namespace ftpc::server {

// Lets the calling thread give way to threads of net and auth that serve a waiting client. It gets nice 5:
// about a third of a busy processor, all of an idle one (setpriority(2), which in Linux concerns one thread).
// Needs no privilege; if the system refuses, nothing changes.
void lower_thread_priority() noexcept;

} // namespace ftpc::server
