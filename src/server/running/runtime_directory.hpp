// Where running servers can be found: a directory of sockets, one for each server of this user.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

// /run/ftpcd for root; for others /run/user/UID/ftpcd and, where there is no such session, /tmp/ftpcd-UID.
// Servers use the first one that can be used, commands look into all.
std::vector<std::string> runtime_directories();

// Opens it if it belongs to this user and nobody else can change it; a link is not followed. Fails with
// Errc::unsafe_permissions otherwise, or with the system's error.
Result<UniqueFd> open_runtime_directory(const std::string& path);

// The same, making it first (0700) if it is missing.
Result<UniqueFd> make_runtime_directory(const std::string& path);

// The longest path that an address of a socket can hold is 107 bytes: through the open directory any does.
std::string path_beneath(int directory, const std::string& name);

} // namespace ftpc::server
