#include "server/net/file_system.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace ftpc::server {

namespace {

// Not in linux/magic.h of every release.
constexpr std::uint32_t zfs_magic = 0x2FC12FC1;
constexpr std::uint32_t bcachefs_magic = 0xCA451A4E;
constexpr std::uint32_t jfs_magic = 0x3153464A;
constexpr std::uint32_t exfat_magic = 0x2011BAB0;
constexpr std::uint32_t ntfs3_magic = 0x7366746E;
constexpr std::uint32_t xfs_magic = 0x58465342;
constexpr std::uint32_t statx_mount_id = 0x1000; // STATX_MNT_ID, Linux 5.8

// 0, which no file system has, where it cannot be asked.
std::uint32_t type_of(int fd)
{
    struct statfs status {};
    return ::fstatfs(fd, &status) == 0 ? static_cast<std::uint32_t>(status.f_type) : 0;
}

template <std::size_t size>
bool contains(const std::array<std::uint32_t, size>& types, std::uint32_t type)
{
    return std::find(types.begin(), types.end(), type) != types.end();
}

} // namespace

bool is_local_file_system(int fd)
{
    static constexpr std::array<std::uint32_t, 15> local{
        EXT4_SUPER_MAGIC,  xfs_magic,   BTRFS_SUPER_MAGIC,     TMPFS_MAGIC,          RAMFS_MAGIC,
        F2FS_SUPER_MAGIC,  zfs_magic,   OVERLAYFS_SUPER_MAGIC, bcachefs_magic,       jfs_magic,
        MSDOS_SUPER_MAGIC, exfat_magic, ntfs3_magic,           REISERFS_SUPER_MAGIC, SQUASHFS_MAGIC};
    return contains(local, type_of(fd));
}

bool link_count_tells_of_directories(int fd)
{
    // btrfs and others say 1 for every directory, FUSE what its server likes.
    static constexpr std::array<std::uint32_t, 3> telling{EXT4_SUPER_MAGIC, xfs_magic, TMPFS_MAGIC};
    return contains(telling, type_of(fd));
}

bool on_same_mount(int a, int b)
{
    struct statx status_a {};
    struct statx status_b {};
    constexpr unsigned wanted = STATX_INO | statx_mount_id;
    constexpr int how = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    if (::statx(a, "", how, wanted, &status_a) != 0 || ::statx(b, "", how, wanted, &status_b) != 0)
        return false;
    if ((status_a.stx_mask & status_b.stx_mask & statx_mount_id) != 0)
        return status_a.stx_mnt_id == status_b.stx_mnt_id;
    return status_a.stx_dev_major == status_b.stx_dev_major &&
           status_a.stx_dev_minor == status_b.stx_dev_minor;
}

} // namespace ftpc::server
