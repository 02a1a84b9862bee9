// Asks a server for the time over UDP. The requests come from 10,000 addresses of 127/8 in turn, as from so
// many clients. So none reaches the bounds on one address.
#pragma once

#include "benchmark/target.hpp"

#include <boost/json.hpp>

namespace ftpc::benchmark {

enum class TimeQuestion {
    ntp,  // a request of NTP, version 4
    text, // "%Y/%m/%d %H:%M:%S"
};

struct TimePlan {
    TimeQuestion question = TimeQuestion::ntp;
    unsigned in_flight = 1; // requests ahead of their answers
    double seconds = 1;
};

class TimeLoad {
public:
    // Throws std::system_error.
    explicit TimeLoad(const Target& target);

    // {"answers":…,"per_second":…,"latency":{…},"generator_cpu_seconds":…}. Throws std::runtime_error if an
    // answer does not come within a second, or is not what was asked for.
    boost::json::object run(const TimePlan& plan);

private:
    void ask(TimeQuestion question);
    void take_answer(TimeQuestion question);

    Target target_;
    UniqueFd socket_;
    std::uint32_t asked_ = 0;
};

} // namespace ftpc::benchmark
