// What net asks of the scheduler.
#pragma once

#include <chrono>
#include <vector>

namespace ftpc::server {

// Asks for time slices of this length, for the calling thread and those that it starts later (sched(7): the
// sched_runtime of SCHED_OTHER, since Linux 6.12; 0.1 to 100 ms). Where the kernel has none of its own for a
// thread, or an administrator chose another policy, nothing changes.
void ask_for_time_slices(std::chrono::nanoseconds length);

// The processors that the calling thread may run on, by their numbers (sched_getaffinity(2)); empty where
// they cannot be told.
std::vector<int> allowed_processors();

// Keeps the calling thread on one of them. Nothing changes where that is refused.
void keep_to_processor(int number);

} // namespace ftpc::server
