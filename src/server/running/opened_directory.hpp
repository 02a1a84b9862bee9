// The directory for which a path stood when it was opened. A later look shows whether it was replaced or
// mounted over, or is a symbolic link that was switched.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>
#include <string>

namespace ftpc::server {

struct DirectoryIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const DirectoryIdentity&, const DirectoryIdentity&) = default;
};

struct OpenedDirectory {
    std::string path;      // as the settings name it, absolute
    std::string real_path; // without symbolic links, at the time when it was opened
    DirectoryIdentity identity;
    friend bool operator==(const OpenedDirectory&, const OpenedDirectory&) = default;
};

// Follows symbolic links. Fails with the system's error; waits as long as the file system does.
Result<DirectoryIdentity> identity_of(const std::string& path);

// The directory that is open as `fd` and was opened as `path`. Throws boost::system::system_error.
OpenedDirectory describe_opened(const std::string& path, int fd);

// The directory that the path names now. If it cannot be opened, only `path` is set, and the identity is that
// of nothing.
OpenedDirectory describe_now(const std::string& path);

// "/a/c" for "/a//b/../c/", and for "c" in /a. Empty stays empty.
std::string absolute_path(const std::string& path);

} // namespace ftpc::server
