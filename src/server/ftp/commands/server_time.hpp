// The time that SITE TIME tells.
#pragma once

#include "server/config/settings.hpp"
#include "server/ftp/session/actions.hpp"

#include <chrono>

namespace ftpc::server {

// The answer as of now to a command whose bytes were read at `arrived`.
ServerTime server_time(TimeSource source, std::chrono::steady_clock::time_point arrived);

} // namespace ftpc::server
