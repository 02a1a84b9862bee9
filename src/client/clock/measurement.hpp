// The server's clock beside the clocks of this machine. All is measured on BootClock, so a jump of the clock
// in question spoils nothing.
#pragma once

#include "client/clock/boot_clock.hpp"
#include "client/clock/time_reply.hpp"

#include <chrono>
#include <optional>
#include <span>

namespace ftpc::client {

// One question, and its answer.
struct TimeRound {
    BootTime sent;
    BootTime received;
    ToldTime told;
};

// A clock, as a distance from BootClock.
struct ClockReading {
    std::chrono::nanoseconds ahead_of_boot{}; // at the start of the machine it was so long after 1970
    std::chrono::nanoseconds bound{};         // and it is no further than this from that
    ClockState state = ClockState::unsynchronised;
    std::chrono::microseconds max_error{};
    std::chrono::seconds zone_offset{}; // east of UTC

    ClockTime at(BootTime moment) const { return ClockTime{moment.time_since_epoch() + ahead_of_boot}; }
    BootTime moment_of(ClockTime time) const { return BootTime{time.time_since_epoch() - ahead_of_boot}; }
};

// The reading with the smallest bound (docs/protocol.md §16). Nothing if there is no round. Nothing, too, if
// the server's clock was set while it was asked: a round then contradicts another one or itself.
std::optional<ClockReading> best_of(std::span<const TimeRound> rounds);

// The clock and the zone of this machine, as they are now.
ClockReading read_own_clock();

// The clock of this machine has to be set forward by `offset`; that is known to `bound`.
struct ClockOffset {
    std::chrono::nanoseconds offset{};
    std::chrono::nanoseconds bound{};
};
ClockOffset offset_between(const ClockReading& server, const ClockReading& own);

// Whether this machine keeps to the time of its server.
enum class ClockVerdict {
    within,
    server_unsynchronised,
    outside,
    uncertain, // it may be within, but the bound and the server's own error are too large to be sure
};

// `within`: even if bound and error are added to the offset it is no more than `tolerance`.
ClockVerdict judge(const ClockReading& server, const ClockOffset& offset, std::chrono::nanoseconds tolerance);

} // namespace ftpc::client
