// Knows the file system of an open directory, and how a directory gets on disk there. No other module knows
// types of file systems.
#pragma once

#include "shared/base/result.hpp"

#include <string>

namespace ftpc {

// Whether calls on the directory open as `fd` wait for nothing but this machine's own disks (known types of
// statfs(2)). All others, among them FUSE, NFS, SMB, 9p and Ceph, may block without end. The question itself
// may block on those.
bool is_local_file_system(int fd);

// Whether syncfs(2) there returns only when every directory is on disk. False for FUSE, whose kernel side
// does nothing then, for overlayfs, which may lie on FUSE, and for network file systems.
bool syncs_as_a_whole(int fd);

// Whether a directory's link count is 2 there if and only if it has no directory in it.
bool link_count_tells_of_directories(int fd);

// Whether two directories are reached through the same mount. May wait if the file system is not local.
bool on_same_mount(int a, int b);

// Puts the entries of the directory open for reading as `fd` on disk by fsync(2). Uses syncfs(2) if the file
// system knows no fsync of a directory. Fails with Errc::cannot_sync if neither works, else with errno.
error_code sync_directory(int fd);

// The same for the server's own files. Errc::cannot_sync is no failure then.
error_code sync_directory_if_possible(int fd);

// Puts everything on the file system of `fd` on disk by syncfs(2). Fails with EROFS if that is read-only:
// syncfs does nothing then, also if an error has made it so.
error_code sync_file_system(int fd);

// The promise of a file system for new entries in one of its directories, found out by syncing that.
struct DurabilityPromise {
    bool holds =
        false;         // after a sync the entries are there after a loss of power, if the disk keeps its word
    std::string words; // with the type: "ext4: directories are made durable by fsync"
};
DurabilityPromise durability_promise(int directory);

} // namespace ftpc
