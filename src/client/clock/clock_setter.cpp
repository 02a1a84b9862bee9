#include "client/clock/clock_setter.hpp"

#include "client/clock/time_text.hpp"

#include <sys/time.h>
#include <sys/timex.h>

namespace ftpc::client {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds most_slewed = std::chrono::milliseconds{500}; // the kernel takes 1,000 s for it
constexpr nanoseconds most_stepped = seconds{1000};
constexpr nanoseconds largest_bound = most_slewed;

class KernelClockSetter final : public ClockSetter {
public:
    bool is_kept() override
    {
        timex clock{};
        return ::adjtimex(&clock) >= 0 && says_kept(clock.status);
    }

    Result<void> slew(std::chrono::microseconds by) override
    {
        const auto whole = std::chrono::floor<seconds>(by);
        const timeval change{whole.count(), (by - whole).count()};
        if (::adjtime(&change, nullptr) != 0) return last_system_error();
        return {};
    }

    Result<void> step(nanoseconds by) override
    {
        const auto whole = std::chrono::floor<seconds>(by);
        timex change{};
        change.modes = ADJ_SETOFFSET | ADJ_NANO;
        change.time = {whole.count(), (by - whole).count()};
        if (::adjtimex(&change) < 0) return last_system_error();
        return {};
    }
};

Failure failed(std::string message)
{
    return {ExitStatus::failed, std::move(message)};
}

Failure not_set(const error_code& error)
{
    if (error == boost::system::errc::operation_not_permitted)
        return failed("this user may not set the clock\nRun it as root. In a container root lacks the "
                      "capability CAP_SYS_TIME: set the clock of the host");
    return failed("the clock cannot be set: " + error.message());
}

} // namespace

// A program that keeps the clock clears STA_UNSYNC, and the kernel sets it again some hours after the last
// correction. STA_PLL says nothing: systemd-timesyncd sets it, and nobody clears it when that program ends.
bool says_kept(int kernel_status)
{
    return (kernel_status & STA_UNSYNC) == 0;
}

std::unique_ptr<ClockSetter> kernel_clock_setter()
{
    return std::make_unique<KernelClockSetter>();
}

Outcome<ClockChange> set_clock(ClockSetter& clock, const ClockOffset& offset, bool large)
{
    const nanoseconds far = offset.offset < nanoseconds::zero() ? -offset.offset : offset.offset;
    // protection: kept-clock
    if (clock.is_kept())
        return failed("another program keeps this clock, so it was not set (the kernel says so)\nSet that "
                      "program right, such as chronyd, ntpd or systemd-timesyncd, or stop it first");
    // protection: large-step
    if (far > most_stepped && !large)
        return failed("the clock is " + length_text(far) +
                      " off, and more than 1,000 s are a mistake most "
                      "often, so it was not set\nIf they are not: "
                      "--large");
    if (offset.bound > largest_bound)
        return failed("the way to the server leaves " + length_text(offset.bound) +
                      " open, so it cannot be known how far the clock is off, and it was not set\nTry again, "
                      "or ask a server that is nearer");
    if (far <= offset.bound) return ClockChange::none;
    const bool slews = far <= most_slewed;
    const auto done = slews ? clock.slew(std::chrono::round<std::chrono::microseconds>(offset.offset))
                            : clock.step(offset.offset);
    if (!done) return not_set(done.error());
    return slews ? ClockChange::slewed : ClockChange::stepped;
}

} // namespace ftpc::client
