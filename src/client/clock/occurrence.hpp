// A time of the day, and the day on which it is meant.
#pragma once

#include "client/clock/time_reply.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

// "00:00", "23:59:30", or with a day in front: "2026-12-01T00:00".
struct TimeOfDay {
    std::optional<std::chrono::local_days> day; // none: the nearest one
    std::chrono::seconds since_midnight{};

    friend bool operator==(const TimeOfDay&, const TimeOfDay&) = default;
};

// Nothing for anything else. Years are from 1970 to 2254.
std::optional<TimeOfDay> parse_time_of_day(std::string_view text);

// Of a time and a zone. Whether the zone had another offset at that time is not known here.
std::chrono::local_seconds local_time(ClockTime time, std::chrono::seconds zone_offset);

// The one that is meant: its own day, or else that which is nearest to `now`, past or to come.
std::chrono::local_seconds occurrence_of(const TimeOfDay& time, std::chrono::local_seconds now);

// "2026-12-01T00:00:00"
std::string occurrence_text(std::chrono::local_seconds occurrence);

} // namespace ftpc::client
