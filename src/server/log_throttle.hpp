// Keeps a flood out of the log: at most so many lines of a kind each second, and how many were withheld.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace ftpc::server {

class LogThrottle {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit LogThrottle(unsigned lines_a_second) : most_{lines_a_second} {}

    // Whether a line may be written now, and then how many were withheld since the last that was.
    std::optional<std::uint64_t> pass(Time now)
    {
        if (now >= ends_) {
            ends_ = now + std::chrono::seconds{1};
            left_ = most_;
        }
        if (left_ == 0) {
            ++withheld_;
            return std::nullopt;
        }
        --left_;
        return std::exchange(withheld_, 0);
    }

private:
    unsigned most_;
    unsigned left_ = 0;
    Time ends_{}; // of the second that is counted
    std::uint64_t withheld_ = 0;
};

} // namespace ftpc::server
