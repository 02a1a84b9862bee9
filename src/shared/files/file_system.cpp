#include "shared/files/file_system.hpp"

#include "shared/base/error.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace ftpc {

namespace {

// Not in linux/magic.h of every release.
constexpr std::uint32_t zfs_magic = 0x2FC12FC1;
constexpr std::uint32_t bcachefs_magic = 0xCA451A4E;
constexpr std::uint32_t jfs_magic = 0x3153464A;
constexpr std::uint32_t exfat_magic = 0x2011BAB0;
constexpr std::uint32_t ntfs3_magic = 0x7366746E;
constexpr std::uint32_t xfs_magic = 0x58465342;
constexpr std::uint32_t statx_mount_id = 0x1000; // STATX_MNT_ID, Linux 5.8

// 0, which no file system has, if the kernel cannot answer.
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

// Types without a superblock, or with one that the kernel itself puts on a disk.
constexpr std::array<std::uint32_t, 14> on_own_disks{
    EXT4_SUPER_MAGIC, xfs_magic,   BTRFS_SUPER_MAGIC,    TMPFS_MAGIC,   RAMFS_MAGIC,
    F2FS_SUPER_MAGIC, zfs_magic,   bcachefs_magic,       jfs_magic,     MSDOS_SUPER_MAGIC,
    exfat_magic,      ntfs3_magic, REISERFS_SUPER_MAGIC, SQUASHFS_MAGIC};

// fsync(2) names EINVAL for files that cannot be synced; SMB has said EBADF, servers behind FUSE say
// anything. EROFS is none of these: ext4 says it once an error has stopped its journal.
bool knows_no_such_sync(int number)
{
    return number == EINVAL || number == EBADF || number == ENOSYS || number == EOPNOTSUPP;
}

} // namespace

bool is_local_file_system(int fd)
{
    const std::uint32_t type = type_of(fd);
    return contains(on_own_disks, type) || type == OVERLAYFS_SUPER_MAGIC;
}

bool syncs_as_a_whole(int fd)
{
    return contains(on_own_disks, type_of(fd));
}

bool link_count_tells_of_directories(int fd)
{
    // btrfs and others say 1 for every directory, FUSE any number.
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

error_code sync_directory(int fd)
{
    if (::fsync(fd) == 0) return {};
    const error_code failure = last_system_error();
    if (!knows_no_such_sync(failure.value())) return failure;
    // FUSE does nothing on syncfs.
    // protection: no-op-syncfs
    if (type_of(fd) == FUSE_SUPER_MAGIC) return Errc::cannot_sync;
    if (const error_code whole = sync_file_system(fd))
        return whole.value() == ENOSYS ? make_error_code(Errc::cannot_sync) : whole;
    return {};
}

error_code sync_directory_if_possible(int fd)
{
    const error_code failure = sync_directory(fd);
    return failure == Errc::cannot_sync ? error_code{} : failure;
}

error_code sync_file_system(int fd)
{
    if (::syncfs(fd) != 0) return last_system_error();
    struct statvfs status {};
    if (::fstatvfs(fd, &status) == 0 && (status.f_flag & ST_RDONLY) != 0)
        return {EROFS, boost::system::system_category()};
    return {};
}

} // namespace ftpc
