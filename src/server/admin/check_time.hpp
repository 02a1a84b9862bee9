// Why nobody gets the time from here, for `ftpcd check`.
#pragma once

#include "server/config/command_line.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

// Addresses that cannot be had, a clock that nothing synchronises, a running server that answers no such
// requests, and clients that ask too often. Empty if the settings want none answered.
std::vector<Problem> time_problems(const Arguments& arguments);

// Addresses that are left out, and how right NTP's clients are told that the clock is; a line each.
std::vector<std::string> describe_time(const Arguments& arguments);

} // namespace ftpc::server
