// Setting the clock of this machine.
#pragma once

#include "client/base/failure.hpp"
#include "client/clock/measurement.hpp"
#include "shared/base/result.hpp"

#include <chrono>
#include <memory>

namespace ftpc::client {

// The clock of a machine. There is the one of the kernel; tests have their own, and never that one.
class ClockSetter {
public:
    ClockSetter() = default;
    ClockSetter(const ClockSetter&) = delete;
    ClockSetter& operator=(const ClockSetter&) = delete;
    virtual ~ClockSetter() = default;

    // Whether another program keeps it, such as chronyd, ntpd or systemd-timesyncd.
    virtual bool is_kept() = 0;

    // Forward, or back if `by` is less than nothing: little by little (adjtime(3)), or at once. Both fail
    // with the system's error, EPERM without CAP_SYS_TIME.
    virtual Result<void> slew(std::chrono::microseconds by) = 0;
    virtual Result<void> step(std::chrono::nanoseconds by) = 0;
};

std::unique_ptr<ClockSetter> kernel_clock_setter();

// Whether the status of adjtimex(2) says so.
bool says_kept(int kernel_status);

enum class ClockChange {
    none, // it is right, as far as this can be known
    slewed,
    stepped,
};

// Up to half a second is slewed, more is a step. More than 1,000 s is refused unless `large`. So is an
// offset that is not known to half a second. Fails with ExitStatus::failed.
Outcome<ClockChange> set_clock(ClockSetter& clock, const ClockOffset& offset, bool large);

} // namespace ftpc::client
