// The directory of a new user in the tree.
#pragma once

#include "shared/file.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace ftpc::server {

// Makes `home` (users/user_line.hpp: is_home) beneath the open directory `tree`, with what is missing above
// it; new directories get `mode` and belong to `owner`, and are on disk when this returns. What is there
// already stays as it is. Throws std::runtime_error when a part of it cannot be made, or is no directory (a
// symbolic link is none).
void make_home_directory(int tree, const std::string& home, mode_t mode, std::optional<FileOwner> owner);

} // namespace ftpc::server
