// The reply to SITE TIME (docs/protocol.md §16).
#pragma once

#include "shared/protocol/reply.hpp"

#include <chrono>
#include <optional>

namespace ftpc::client {

// Counted from 1970-01-01T00:00:00Z.
using ClockTime = std::chrono::sys_time<std::chrono::nanoseconds>;

// How right the server says that its clock is.
enum class ClockState {
    synchronised,
    local, // it is the standard
    unsynchronised,
};
const char* word_for(ClockState state);

// The answer of the server. Its points in time lie between 1970 and the year 2255, so nanoseconds hold them.
struct ToldTime {
    ClockTime received; // the bytes of the command had been read
    ClockTime sent;     // the reply was made; not before `received`
    ClockState state = ClockState::unsynchronised;
    std::chrono::microseconds max_error{}; // of its clock
    std::chrono::seconds zone_offset{};    // east of UTC, less than a day

    friend bool operator==(const ToldTime&, const ToldTime&) = default;
};

// Nothing if the reply has another form, or a value that no server can mean.
std::optional<ToldTime> parse_time_reply(const Reply& reply);

} // namespace ftpc::client
