// Sets aside a file of auth that cannot be used: keeps it beside under another name for inspection, and
// begins anew.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>
#include <string>

namespace ftpc::server {

// Whether a file that was not read or not parsed is to blame for that itself, and not a disk or a lack of
// memory.
bool is_broken(const error_code& error);

// Renames `name` in the open directory `data` to "NAME.broken-<UTC>" and puts a file with `anew` in its
// place. `now` in seconds since 1970. Gives the new name; fails with the system's error.
Result<std::string> set_aside(int data, const char* name, std::uint64_t now, const std::string& anew);

} // namespace ftpc::server
