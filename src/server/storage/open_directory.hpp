// An open directory of the tree.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <sys/types.h>

#include <compare>
#include <memory>
#include <optional>

namespace ftpc::server {

// The file system that a directory lies on.
struct FileSystem {
    dev_t device = 0;             // what it is known by: the device of one of its directories
    bool syncs_as_a_whole = true; // as of shared/files/file_system.hpp
};

// Asks the kernel: may wait if the file system is not local.
FileSystem file_system_of(int fd);

// Identifies a directory, under any of its names.
struct DirectoryId {
    dev_t device = 0;
    ino_t inode = 0;
    friend auto operator<=>(const DirectoryId&,
                            const DirectoryId&) = default; // NOLINT(modernize-use-nullptr): a 0 of <compare>
};

// Asks the kernel: may wait if the file system is not local.
DirectoryId directory_id(int fd);

// Shared by all its users: a session's working directory, a waiting sync.
struct OpenDirectory {
    UniqueFd fd;
    bool can_sync = false; // opened for reading, which fsync(2) needs; false if permissions deny that
    bool local = true;     // calls on it may be made on the event loop
    bool in_home = true;   // on the mount of the home: new directories in it count for the quota
    FileSystem file_system{};
    std::optional<DirectoryId>
        id{}; // known if the kernel may have to wait for it, as for one that is not local
};
using Directory = std::shared_ptr<const OpenDirectory>;

} // namespace ftpc::server
