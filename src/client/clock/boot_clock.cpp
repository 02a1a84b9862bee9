#include "client/clock/boot_clock.hpp"

#include <cerrno>
#include <ctime>

namespace ftpc::client {

BootTime BootClock::now()
{
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    return BootTime{std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec}};
}

void sleep_until(BootTime end)
{
    const auto since_start = end.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_start);
    const timespec until{seconds.count(), (since_start - seconds).count()};
    while (::clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

} // namespace ftpc::client
