#include "benchmark/run_together.hpp"

#include "benchmark/statistics.hpp"

#include <exception>
#include <latch>
#include <thread>

namespace ftpc::benchmark {

Taken run_together(const std::vector<std::function<void()>>& tasks)
{
    std::latch begin{1};
    std::vector<std::exception_ptr> failures(tasks.size());
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tasks.size(); ++i)
        threads.emplace_back([&begin, &task = tasks[i], &failure = failures[i]] {
            try {
                begin.wait();
                task();
            } catch (...) {
                failure = std::current_exception();
            }
        });
    const double cpu = own_cpu_seconds();
    const auto began = Clock::now();
    begin.count_down();
    threads.clear(); // joins them
    const Taken taken{seconds_since(began), own_cpu_seconds() - cpu};
    for (const auto& failure : failures)
        if (failure) std::rethrow_exception(failure);
    return taken;
}

} // namespace ftpc::benchmark
