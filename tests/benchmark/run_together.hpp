// Threads that begin at the same time.
#pragma once

#include <functional>
#include <vector>

namespace ftpc::benchmark {

struct Taken {
    double seconds = 0;               // from the common begin until the last one has ended
    double generator_cpu_seconds = 0; // of this process in that time
};

// Runs each task in a thread of its own. Throws the first failure of a task, after all have ended.
Taken run_together(const std::vector<std::function<void()>>& tasks);

} // namespace ftpc::benchmark
