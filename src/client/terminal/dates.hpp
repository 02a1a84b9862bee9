// Points in time, as users read them.
#pragma once

#include <cstdint>
#include <string>

namespace ftpc::client {

// Seconds since 1970-01-01T00:00:00Z.
std::int64_t now_in_seconds();

// "29 Nov 2026", in local time; with hour and minute if it is less than two days after `now`. A note follows
// if it is not after `now`: the two clocks may differ. "?" for a year that no calendar has.
std::string format_end(std::int64_t time, std::int64_t now);

// "2026-11-29", in local time.
std::string format_date(std::int64_t time);

// "2026-11-29 10:15", in local time.
std::string format_minute(std::int64_t time);

} // namespace ftpc::client
