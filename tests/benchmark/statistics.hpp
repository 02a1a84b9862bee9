// How long things took: a histogram of latencies, and the CPU time of this process.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include <boost/json.hpp>

namespace ftpc::benchmark {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin)
{
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Counts durations in buckets that are at most 1/64 wide for their size. So a percentile is right within 1.6
// %, and recording one allocates nothing.
class Latencies {
public:
    void record(Clock::duration duration);

    void add(const Latencies& others);

    // The duration that this part (0 to 1) of all recorded ones do not exceed; 0 if there are none.
    std::chrono::nanoseconds percentile(double part) const;

    // {"p50_us":…,"p99_us":…,"max_us":…}
    boost::json::object to_json() const;

private:
    static constexpr unsigned sub_buckets = 64;
    std::array<std::uint64_t, 64 * sub_buckets> counts_{};
    std::uint64_t total_ = 0;
};

// User and system time of this process so far.
double own_cpu_seconds();

} // namespace ftpc::benchmark
