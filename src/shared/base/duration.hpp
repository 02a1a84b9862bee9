// Lengths of time as people write them in settings and options.
#pragma once

#include "shared/base/result.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace ftpc {

// "90" or "90s" (seconds), "15m", "12h", "7d". At least one second, at most 3,650 days.
// Fails with Errc::bad_argument.
Result<std::chrono::seconds> parse_duration(std::string_view text);

// The shortest such text for a whole number of seconds: 604800 s is "7d", 90 s is "90s".
std::string duration_text(std::chrono::seconds length);

} // namespace ftpc
