#include "client/clock/occurrence_wait.hpp"

#include "client/clock/time_text.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::client {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds shortest_lead = std::chrono::seconds{1}; // of the last question before the end
constexpr nanoseconds longest_oversleep = std::chrono::minutes{1};

} // namespace

Outcome<Reached> OccurrenceWait::run()
{
    while (true) {
        const BootTime begun = world_.now();
        if (auto looked = look(); !looked) return looked.error();
        const BootTime now = world_.now();
        if (now >= due()) return arrive(begun, now);
        const nanoseconds left = due() - now;
        const nanoseconds lead = std::max(shortest_lead, 2 * (now - begun));
        if (left > lead) {
            world_.sleep_until(left / 2 > lead ? now + left / 2 : due() - lead);
            continue;
        }
        if (away_ && !options_.or_local) return *away_;
        world_.sleep_until(due());
        // Behind a longer sleep, that of the machine for instance, the server is asked again.
        if (world_.now() - due() <= longest_oversleep) return Reached{*occurrence_, nanoseconds::zero()};
    }
}

// The occurrence is chosen once, as a local time: if the offset of the zone changes meanwhile, it moves
// along.
Outcome<void> OccurrenceWait::look()
{
    const auto told = world_.ask_server();
    if (told) {
        clock_ = *told;
        by_server_ = true;
        away_.reset();
    } else if (auto without = do_without(told.error()); !without) {
        return without;
    }
    if (!occurrence_)
        occurrence_ =
            occurrence_of(options_.until, local_time(clock_->at(world_.now()), clock_->zone_offset));
    return {};
}

Outcome<void> OccurrenceWait::do_without(const Failure& failure)
{
    if (failure.status != ExitStatus::unreachable) return failure;
    if (!by_server_ && !options_.or_local) return failure;
    away_ = failure;
    if (!by_server_) clock_ = world_.read_own_clock();
    if (!std::exchange(warned_, true))
        world_.warn(failure.message + (by_server_ ? "; the wait goes on by its last answer"
                                                  : "; the wait goes on by the clock of this machine"));
    return {};
}

BootTime OccurrenceWait::due() const
{
    return clock_->moment_of(ClockTime{occurrence_->time_since_epoch() - clock_->zone_offset});
}

// `begun`: when the server was asked. If the time came since then, nobody was late.
Outcome<Reached> OccurrenceWait::arrive(BootTime begun, BootTime now) const
{
    if (away_ && !options_.or_local) return *away_;
    const nanoseconds late_by = now - due();
    if (due() < begun && late_by > options_.late) return too_late(late_by);
    return Reached{*occurrence_, late_by};
}

Failure OccurrenceWait::too_late(nanoseconds late_by) const
{
    std::string message = occurrence_text(*occurrence_) + " at " + server_ + " was " + length_text(late_by) +
                          " ago, so the time is not waited for";
    if (options_.late == std::chrono::seconds::zero()) message += "\nStart earlier, or allow that: --late 1h";
    return {ExitStatus::failed, std::move(message)};
}

} // namespace ftpc::client
