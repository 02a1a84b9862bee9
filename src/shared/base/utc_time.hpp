// Points in time as text, in UTC.
#pragma once

#include <ctime>
#include <string>

namespace ftpc {

// `seconds` since 1970 in a format of strftime(3): "2026-11-29T10:15:00Z" if no other is given. Empty for a
// time that no calendar has: gmtime_r(3) fails for years of more than 32 bits.
std::string utc_text(std::time_t seconds, const char* format = "%FT%TZ");

} // namespace ftpc
