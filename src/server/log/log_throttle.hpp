// Keeps a flood out of the log: at most so many lines of a kind each second, and how many were withheld.
#pragma once

#include "server/log/log.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

namespace ftpc::server {

// Writes the event. If events of its kind were withheld, writes their number before it.
inline void log_after(std::uint64_t withheld, std::string_view event, std::initializer_list<LogField> fields)
{
    if (withheld > 0) log_event("lines-withheld", {{"of", event}, {"count", withheld}});
    log_event(event, fields);
}

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

// Writes the event as far as `throttle` lets it, after how many of its like were withheld. Not for several
// threads.
inline void log_throttled(LogThrottle& throttle, std::string_view event,
                          std::initializer_list<LogField> fields)
{
    if (const auto withheld = throttle.pass(std::chrono::steady_clock::now()))
        log_after(*withheld, event, fields);
}

} // namespace ftpc::server
