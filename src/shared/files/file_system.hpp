// Knows the file system of an open directory by its number in statfs(2), and how a directory gets on disk
// there. The names of file systems are in server/storage/durability_promise.
#pragma once

#include "shared/base/result.hpp"

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

} // namespace ftpc
