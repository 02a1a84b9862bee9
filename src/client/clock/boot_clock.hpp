// The time since the machine was started. Nobody sets it, and it goes on while the machine sleeps.
#pragma once

#include <chrono>

namespace ftpc::client {

struct BootClock;
using BootTime = std::chrono::time_point<BootClock, std::chrono::nanoseconds>;

struct BootClock { // CLOCK_BOOTTIME (clock_gettime(2))
    static BootTime now();
};

// If the machine sleeps at `end`, returns when it wakes.
void sleep_until(BootTime end);

} // namespace ftpc::client
