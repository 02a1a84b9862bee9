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

// Makes `home` (users/user_line.hpp: is_home) beneath the open directory `tree`, with its parents. New
// directories get `mode`, belong to `owner`, and are on disk when this returns. Existing ones stay as they
// are. Only an empty directory that only root may use is given to `owner`: a call that was cut off has left
// it. Throws std::runtime_error when a part cannot be made, or is no directory (a symbolic link is none); new
// directories are then removed again.
MadeDirectories make_home_directory(int tree, const std::string& home, mode_t mode,
                                    std::optional<FileOwner> owner);

// Removes the new directories, as far as they are still empty.
void remove_directories(const MadeDirectories& made);

// The problem that keeps the server from making directories in `home` beneath `tree`, which is the directory
// `root`, and the command that mends it. Empty: none. `writer`: the server's user; empty: this process.
std::string home_problem(int tree, const std::string& root, const std::string& home,
                         const std::optional<FileOwner>& writer);

// The same for each of these homes.
std::vector<std::string> home_problems(int tree, const std::string& root,
                                       const std::vector<std::string>& homes,
                                       const std::optional<FileOwner>& writer);

} // namespace ftpc::server
