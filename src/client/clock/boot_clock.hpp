// The time since the machine was started. Nobody sets it, and it goes on while the machine sleeps.
#pragma once

#include <chrono>

namespace ftpc::client {

struct BootClock { // CLOCK_BOOTTIME (clock_gettime(2)), as std::chrono wants a clock
    // NOLINTBEGIN(readability-identifier-naming): the names that [time.clock.req] asks for
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    // NOLINTEND(readability-identifier-naming)
    static constexpr bool is_steady = true;

    static time_point now();
};

// If the machine sleeps at `end`, returns when it wakes.
void sleep_until(BootClock::time_point end);

} // namespace ftpc::client
