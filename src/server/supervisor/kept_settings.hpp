// Settings that a reload cannot change.
#pragma once

#include "server/config/settings.hpp"

#include <string>

namespace ftpc::server {

// Puts back those that can only change with the next start, and names them: "root, listen". Empty: none.
std::string keep_until_next_start(const Settings& in_force, Settings& settings);

} // namespace ftpc::server
