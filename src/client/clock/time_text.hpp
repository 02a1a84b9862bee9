// Times, lengths of time and offsets as text.
#pragma once

#include "client/clock/time_reply.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

// As date(1) shows a time without a format in the locale C: "Tue Dec  1 00:00:00 +01 2026".
inline constexpr std::string_view format_of_date = "%a %b %e %H:%M:%S %Z %Y";

// `time` as strftime(3) has it, in English. Nanoseconds are %N, and %3N the first three digits of them. The
// zone (%Z) is "UTC" if `utc`, else an offset such as "+01" or "+0530": no name of the zone is known. Nothing
// if the text is longer than 64 KiB.
std::optional<std::string> format_time(std::string_view format, ClockTime time,
                                       std::chrono::seconds zone_offset, bool utc);

// "2026-11-30T10:15:00.000000042Z"
std::string utc_text_of(ClockTime time);

// Seconds with six decimals and a sign: "+3600.000012".
std::string offset_text(std::chrono::nanoseconds offset);

// The same without a sign, rounded up: "0.000064".
std::string bound_text(std::chrono::nanoseconds bound);

// For people, of a length that is not negative: "0.004 s", "59.1 s", "50 min 12 s", "1 h 2 min", "3 days".
std::string length_text(std::chrono::nanoseconds length);

} // namespace ftpc::client
