// What is known of the file system that an open directory lies on.
#pragma once

namespace ftpc::server {

// Whether calls on the directory open as `fd` wait for nothing but this machine's own disks: the types of
// statfs(2) that are known to be so. All others, among them FUSE, NFS, SMB, 9p and Ceph, may take for ever.
// The question itself may wait on those.
bool is_local_file_system(int fd);

// Whether a directory's link count is 2 there if and only if it has no directory in it.
bool link_count_tells_of_directories(int fd);

// Whether two directories are reached through the same mount. May wait where the file system is not local.
bool on_same_mount(int a, int b);

} // namespace ftpc::server
