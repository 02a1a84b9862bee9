// Whether the server may do its work at a path. A process that has become the user in question asks the
// kernel. So modes, ACLs, permissions on the way, mounts and attributes of files (chattr) all count.
#pragma once

#include "shared/base/result.hpp"
#include "shared/files/file.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ftpc::server {

enum class Use {
    make_directories, // in the directory
    read,             // the file
    replace,          // the file: read it, and rename another onto it
    change,           // that, and write into it
};

struct Place {
    int base;              // an open directory
    std::string base_path; // that it was opened as
    std::string path;      // beneath `base`; "." is `base` itself
    Use use;
};

// The first thing on the way to a place, or the place itself, at which the kernel says no.
struct Refusal {
    error_code why;
    std::string at;     // a part of the place's path, from its beginning
    int needed = 0;     // of access(2): R_OK, W_OK, X_OK; 0: it could not be looked up
    bool itself = true; // `at` is the place, and not on the way
};

// One answer for each place; none: the server may. Asked as `user` without supplementary groups and
// capabilities, which is how the supervisor starts its children; empty: as this process's own user. Fails
// with the system's error if there can be no such process, for instance because only root may become another
// user. Changes nothing. Waits as long as the file systems do.
Result<std::vector<std::optional<Refusal>>> ask_kernel(const std::optional<FileOwner>& user,
                                                       std::span<const Place> places);

// Both in words: "cannot make directories there: Permission denied; mend with: chmod u+rwx /x". `user`: as in
// ask_kernel().
std::string describe(const Refusal& refusal, const Place& place, const std::optional<FileOwner>& user);

} // namespace ftpc::server
