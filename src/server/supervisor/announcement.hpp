// The words of a server that has started.
#pragma once

#include "server/config/command_line.hpp"
#include "server/running/server_status.hpp"
#include "server/supervisor/child.hpp"

#include <span>
#include <string>

namespace ftpc::server {

// They name its addresses, its tree, its users, the fingerprint of its key, and the lockdown of its children.
// Programs get one event a line.
void announce(const Arguments& arguments, const ServerStatus& status, std::span<const Child> children);

// One line, or one for each child if they differ, and one for each feature that the kernel lacks.
std::string describe_lockdown(std::span<const Child> children);

} // namespace ftpc::server
