// How long the scheduler lets this process's threads run in one piece.
#pragma once

#include <chrono>

namespace ftpc::server {

// Asks for time slices of this length, for the calling thread and those that it starts later (sched(7): the
// sched_runtime of SCHED_OTHER, since Linux 6.12; 0.1 to 100 ms). Where the kernel has none of its own for a
// thread, or an administrator chose another policy, nothing changes.
void ask_for_time_slices(std::chrono::nanoseconds length);

} // namespace ftpc::server
