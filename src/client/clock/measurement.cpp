#include "client/clock/measurement.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace ftpc::client {

namespace {

using std::chrono::nanoseconds;

// Clocks that are being slewed differ by less than this within the second that the rounds take.
constexpr nanoseconds slewed_meanwhile = std::chrono::milliseconds{1};

nanoseconds distance(nanoseconds a, nanoseconds b)
{
    return a < b ? b - a : a - b;
}

nanoseconds time_at_server(const TimeRound& round)
{
    return round.told.sent - round.told.received;
}

nanoseconds time_here(const TimeRound& round)
{
    return round.received - round.sent;
}

// In this form no sum overflows for the times that a ToldTime may have.
ClockReading reading_of(const TimeRound& round)
{
    const nanoseconds at_server = time_at_server(round);
    const nanoseconds here = time_here(round);
    const nanoseconds middle_there = round.told.received.time_since_epoch() + at_server / 2;
    const nanoseconds middle_here = round.sent.time_since_epoch() + here / 2;
    return {middle_there - middle_here, (here - at_server) / 2, round.told.state, round.told.max_error,
            round.told.zone_offset};
}

bool contradict(const ClockReading& a, const ClockReading& b)
{
    return distance(a.ahead_of_boot, b.ahead_of_boot) > a.bound + b.bound + slewed_meanwhile;
}

} // namespace

std::optional<ClockReading> best_of(std::span<const TimeRound> rounds)
{
    std::optional<ClockReading> best;
    for (const TimeRound& round : rounds) {
        if (time_at_server(round) > time_here(round)) return std::nullopt;
        const ClockReading reading = reading_of(round);
        if (!best || reading.bound < best->bound) best = reading;
    }
    for (const TimeRound& round : rounds)
        // protection: contradicting-rounds
        if (contradict(reading_of(round), *best)) return std::nullopt;
    return best;
}

ClockReading read_own_clock()
{
    ClockReading own;
    own.bound = nanoseconds::max();
    for (int i = 0; i < 5; ++i) { // one that was not interrupted between the two clocks
        const auto before = BootClock::now();
        const ClockTime now = std::chrono::system_clock::now();
        const nanoseconds took = BootClock::now() - before;
        if (took / 2 >= own.bound) continue;
        own.bound = took / 2;
        own.ahead_of_boot = now.time_since_epoch() - before.time_since_epoch() - took / 2;
    }
    std::tm parts{};
    const std::time_t now = std::time(nullptr);
    if (::localtime_r(&now, &parts) != nullptr) own.zone_offset = std::chrono::seconds{parts.tm_gmtoff};
    return own;
}

ClockOffset offset_between(const ClockReading& server, const ClockReading& own)
{
    return {server.ahead_of_boot - own.ahead_of_boot, server.bound + own.bound};
}

ClockVerdict judge(const ClockReading& server, const ClockOffset& offset, nanoseconds tolerance)
{
    const nanoseconds far = distance(offset.offset, nanoseconds::zero());
    const nanoseconds doubt = offset.bound + server.max_error;
    if (server.state == ClockState::unsynchronised) return ClockVerdict::server_unsynchronised;
    // Differences of lengths do not overflow; their sum might.
    if (far <= tolerance - doubt) return ClockVerdict::within;
    return far - doubt <= tolerance ? ClockVerdict::uncertain : ClockVerdict::outside;
}

} // namespace ftpc::client
