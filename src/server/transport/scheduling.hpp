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

// The processor of one thread, which keeps to it or not, as the work of the moment is. What the process may
// use at all is what its main thread may, at the moment of a change: taskset(1) is followed. Nothing changes
// where the kernel refuses.
class OwnProcessor {
public:
    explicit OwnProcessor(int number) : number_{number} {}

    // Of the calling thread. True: it keeps to its processor from now on, if the process may use that. False:
    // it runs on any that the process may use, as at first.
    void keep_to(bool own);

private:
    int number_;
    bool kept_ = false;
};

} // namespace ftpc::server
