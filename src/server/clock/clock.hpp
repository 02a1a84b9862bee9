// The clock of this machine as the kernel and the zone files know it. Nothing here sets it.
#pragma once

#include <chrono>
#include <ctime>
#include <string>

namespace ftpc::server {

// The state of this machine's clock, as the kernel says it (adjtimex(2), only read).
struct KernelClock {
    bool synchronised = false;             // not STA_UNSYNC and not TIME_ERROR
    std::chrono::microseconds max_error{}; // as the kernel states it: grows while nothing synchronises it
    int leap = 0;                          // 0 none, 1 insert a second, 2 delete one (as LI of RFC 5905)
};
KernelClock read_kernel_clock(); // never sets anything: modes = 0

// Reads the zone's file, so before the lockdown; for the whole process (TZ, tzset(3)). "" is the machine's
// own zone. False: there is no such zone.
bool use_time_zone(const std::string& zone);
bool is_time_zone(const std::string& zone); // for check and the settings: without changing anything
long zone_offset(std::time_t at);           // seconds east of UTC, in the zone in use

} // namespace ftpc::server
