// The mounts of this process, as /proc/self/mountinfo lists them (proc(5)). Nothing here asks a file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

struct Mount {
    std::uint64_t id = 0;
    std::string point{};   // where, an absolute path
    std::string type{};    // "ext4", "fuse.sshfs"
    std::string source{};  // "/dev/sda1", "host:/export"; of eCryptfs, the directory below it
    std::string options{}; // of the mount and of its file system: "rw,relatime,rw,upperdir=/up"
};
using MountTable = std::vector<Mount>; // the later ones cover the earlier ones

// Lines that are not of the form are left out.
MountTable parse_mounts(std::string_view mountinfo);

// Empty if /proc is missing.
MountTable mounts_now();

// The mount through which the open file `fd` was reached; null if that is not known.
const Mount* mount_of(int fd, const MountTable& mounts);

// The mount of the absolute path `path`, which has no symbolic links; null if there are no mounts.
const Mount* mount_at(std::string_view path, const MountTable& mounts);

// The mounts below the directory `path` that no other mount covers.
MountTable mounts_below(std::string_view path, const MountTable& mounts);

// The value of the option `name`; empty: it has none, or is not there.
std::string option_value(const Mount& mount, std::string_view name);
bool has_option(const Mount& mount, std::string_view name);

} // namespace ftpc::server
