// The directory of a user in the tree.
#pragma once

#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

// A directory that was made, by its name in the directory that it was made in.
struct MadeDirectory {
    UniqueFd parent;
    std::string name;
};
using MadeDirectories = std::vector<MadeDirectory>; // from the top down

// Makes `home` (users/user_line.hpp: is_home) beneath the open directory `tree`, with what is missing above
// it; new directories get `mode` and belong to `owner`. All of it is on disk when this returns what it has
// made. What is there already stays as it is, except for an empty directory that only root may use, where
// there is an `owner`: one left by a call that was cut off. Throws std::runtime_error when a part of it
// cannot be made, or is no directory (a symbolic link is none); what was made is then removed again.
MadeDirectories make_home_directory(int tree, const std::string& home, mode_t mode,
                                    std::optional<FileOwner> owner);

// Takes back what was made, as far as it is still empty.
void remove_directories(const MadeDirectories& made);

// What keeps the server from making directories in `home` beneath `tree`, which is the directory `root`, and
// the command that mends it; empty: nothing. `writer`: whom the server runs as; empty: this process.
std::string home_problem(int tree, const std::string& root, const std::string& home,
                         std::optional<FileOwner> writer);

} // namespace ftpc::server
