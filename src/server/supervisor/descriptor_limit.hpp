// How many descriptors the processes may have open (RLIMIT_NOFILE), which they inherit from the supervisor.
#pragma once

#include "server/config/settings.hpp"

#include <string>

namespace ftpc::server {

// As many as the hard limit allows: each connection is a descriptor, and so is each working directory.
void raise_descriptor_limit();

// Why that limit is too low for these settings, and what to do; empty if it is not.
std::string descriptor_problem(const Settings& settings);

} // namespace ftpc::server
