// What is mounted where, as /proc/self/mountinfo tells it (proc(5)). Nothing here asks a file system.
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

// Empty where /proc is missing.
MountTable mounts_now();

// What the open file `fd` was reached through; null where that is not known.
const Mount* mount_of(int fd, const MountTable& mounts);

// What has the absolute path `path`, without symbolic links, now; null where there are no mounts.
const Mount* mount_at(std::string_view path, const MountTable& mounts);

// What is mounted below the directory `path` and not covered by another mount.
MountTable mounts_below(std::string_view path, const MountTable& mounts);

// The value of the option `name`; empty: it has none, or is not there.
std::string option_value(const Mount& mount, std::string_view name);
bool has_option(const Mount& mount, std::string_view name);

} // namespace ftpc::server
