#include "benchmark/limits.hpp"
#include "benchmark/statistics.hpp"

#include <malloc.h>

#include <array>
#include <limits>
#include <thread>
#include <vector>

namespace ftpc::benchmark {

namespace {

void hash_again_and_again(ScryptCost cost, unsigned runs)
{
    const std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 32> out;
    for (unsigned i = 0; i < runs; ++i)
        scrypt("benchmark", salt, cost, out);
}

// Seconds for one hash in each of so many threads at once.
double seconds_with(unsigned threads, ScryptCost cost, unsigned runs)
{
    const auto begin = Clock::now();
    {
        std::vector<std::jthread> running;
        for (unsigned i = 0; i < threads; ++i)
            running.emplace_back(hash_again_and_again, cost, runs);
    }
    return seconds_since(begin) / runs;
}

} // namespace

boost::json::object measure_scrypt(ScryptCost cost, unsigned runs)
{
    // Memory that stays is faster than memory that the kernel clears for each hash; the limit is the best
    // that there is.
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_MAX, 0);
    ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    seconds_with(cores, cost, 1); // the first ones get their memory
    return {{"seconds", seconds_with(1, cost, runs)},
            {"seconds_on_all_cores", seconds_with(cores, cost, runs)},
            {"cores", cores}};
}

} // namespace ftpc::benchmark
