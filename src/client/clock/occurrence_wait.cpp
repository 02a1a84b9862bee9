#include "client/clock/occurrence_wait.hpp"

#include "client/clock/time_text.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::client {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds shortest_lead = seconds{1}; // of the last question before the end
constexpr nanoseconds between_tries = seconds{1}; // after the end
// A wait that began in time may end so much late: a machine pauses, and a server's clock is set a little.
constexpr nanoseconds forgiven = std::chrono::minutes{1};

// For an answer at the end, and for a server that is away then. A job that may do without waits less.
constexpr seconds patience = seconds{10};
constexpr seconds short_patience = seconds{2};

} // namespace

Outcome<Reached> OccurrenceWait::run()
{
    while (true) {
        const BootTime begun = world_.now();
        if (auto looked = look(begun); !looked) return looked.error();
        if (is_over(begun)) return arrive();
        if (gives_up()) return away_->failure;
        world_.sleep_until(next_look(world_.now()));
    }
}

// The occurrence is chosen once, as a local time: if the offset of the zone changes meanwhile, it moves
// along.
Outcome<void> OccurrenceWait::look(BootTime begun)
{
    const auto told = world_.ask_server(longest_answer(begun));
    if (told) {
        clock_ = *told;
        by_server_ = true;
        answer_took_ = world_.now() - begun;
        away_.reset();
    } else if (auto without = do_without(told.error(), begun); !without) {
        return without;
    }
    if (!occurrence_)
        occurrence_ =
            occurrence_of(options_.until, local_time(clock_->at(world_.now()), clock_->zone_offset));
    if (begun < end()) ahead_ = SeenAhead{begun, clock_->zone_offset};
    return {};
}

Outcome<void> OccurrenceWait::do_without(const Failure& failure, BootTime begun)
{
    if (failure.status != ExitStatus::unreachable) return failure;
    if (!by_server_ && !options_.or_local) return failure;
    away_ = Away{failure, away_ ? away_->since : begun};
    if (!by_server_) clock_ = world_.read_own_clock();
    if (!std::exchange(warned_, true))
        world_.warn(failure.message + (by_server_ ? "; the wait goes on by its last answer"
                                                  : "; the wait goes on by the clock of this machine"));
    return {};
}

// No question before the end lasts more than a second beyond it.
seconds OccurrenceWait::longest_answer(BootTime now) const
{
    if (!clock_) return seconds::max();
    if (now >= end()) return options_.or_local ? short_patience : patience;
    return std::max(seconds{1}, std::chrono::floor<seconds>(end() - now));
}

BootTime OccurrenceWait::next_look(BootTime now) const
{
    const nanoseconds left = end() - now;
    const nanoseconds lead = std::max(shortest_lead, 2 * answer_took_);
    if (left / 2 > lead) return now + left / 2;
    if (left > lead) return end() - lead;
    return away_ && left <= nanoseconds::zero() ? now + between_tries : end();
}

// A server that was asked when it showed the time for certain has told the offset that its zone then had.
bool OccurrenceWait::is_over(BootTime begun) const
{
    return away_ ? options_.or_local && world_.now() >= end() : begun >= end();
}

bool OccurrenceWait::gives_up() const
{
    return away_ && world_.now() >= std::max(end(), away_->since) + patience;
}

BootTime OccurrenceWait::due() const
{
    return clock_->moment_of(ClockTime{occurrence_->time_since_epoch() - clock_->zone_offset});
}

// If the zone changed its offset, it may have skipped the time, which then came with the change.
BootTime OccurrenceWait::came() const
{
    const bool changed = ahead_ && ahead_->zone_offset != clock_->zone_offset;
    return changed ? std::max(due(), ahead_->moment) : due();
}

Outcome<Reached> OccurrenceWait::arrive() const
{
    const nanoseconds allowed = ahead_ ? std::max<nanoseconds>(options_.late, forgiven) : options_.late;
    const BootTime now = world_.now();
    if (now - came() > allowed) return too_late(now - due());
    return Reached{*occurrence_, now - due()};
}

Failure OccurrenceWait::too_late(nanoseconds late_by) const
{
    std::string message = occurrence_text(*occurrence_) + " at " + server_ + " was " + length_text(late_by) +
                          " ago, so the time is not waited for";
    if (ahead_)
        message += "\nThis machine paused, or the server's clock or zone changed. Allow that: --late 1h";
    else if (options_.late == seconds::zero())
        message += "\nStart earlier, or allow that: --late 1h";
    return {ExitStatus::failed, std::move(message)};
}

} // namespace ftpc::client
