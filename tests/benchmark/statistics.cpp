#include "benchmark/statistics.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace ftpc::benchmark {

namespace {

constexpr unsigned precision = 6; // bits of a duration that a bucket tells apart

// Durations below 64 ns have a bucket each; above, the highest bit chooses 64 buckets and the next six bits
// one of them.
std::size_t bucket_of(std::uint64_t nanoseconds)
{
    if (nanoseconds < (1U << precision)) return nanoseconds;
    const auto shift = static_cast<unsigned>(std::bit_width(nanoseconds)) - precision - 1;
    return (std::size_t{shift + 1} << precision) + ((nanoseconds >> shift) & ((1U << precision) - 1));
}

// The longest duration that falls into the bucket.
std::uint64_t end_of(std::size_t bucket)
{
    const auto group = bucket >> precision;
    const std::uint64_t rest = bucket & ((1U << precision) - 1);
    if (group == 0) return rest;
    return ((((1ULL << precision) + rest) + 1) << (group - 1)) - 1;
}

} // namespace

void Latencies::record(Clock::duration duration)
{
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
    ++counts_[std::min(bucket_of(static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0))),
                       counts_.size() - 1)];
    ++total_;
}

void Latencies::add(const Latencies& others)
{
    for (std::size_t i = 0; i < counts_.size(); ++i)
        counts_[i] += others.counts_[i];
    total_ += others.total_;
}

std::chrono::nanoseconds Latencies::percentile(double part) const
{
    const auto wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen >= wanted && seen > 0) return std::chrono::nanoseconds{end_of(i)};
    }
    return {};
}

boost::json::object Latencies::to_json() const
{
    const auto us = [&](double part) { return static_cast<double>(percentile(part).count()) / 1000; };
    return {{"p50_us", us(0.5)}, {"p99_us", us(0.99)}, {"max_us", us(1)}};
}

double own_cpu_seconds()
{
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace ftpc::benchmark
