// Why nobody gets the time from here, for `ftpcd check`.
#pragma once

#include "server/config/command_line.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

// Addresses that cannot be had, a clock that nothing synchronises, and a running server that answers no such
// requests. Empty if the settings want none answered.
std::vector<Problem> time_problems(const Arguments& arguments);

// A line each: addresses that are left out, and how right NTP's clients are told that the clock is. The same
// for requests that were left without an answer a short time ago.
std::vector<std::string> describe_time(const Arguments& arguments);

} // namespace ftpc::server
