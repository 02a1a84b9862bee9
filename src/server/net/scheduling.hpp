// What net asks of the scheduler.
#pragma once

#include <sched.h>

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

// The processor of one thread, which keeps to it or not, as the work of the moment is. Nothing changes where
// the kernel refuses.
class OwnProcessor {
public:
    // `number`: one of those that the calling thread may run on; the thread itself may be started later.
    explicit OwnProcessor(int number);

    // True: the thread keeps to its processor from now on. False: it runs on any of the allowed ones, as at
    // first.
    void keep_to(bool own);

private:
    cpu_set_t own_;
    cpu_set_t any_;
    bool kept_ = false;
};

} // namespace ftpc::server
