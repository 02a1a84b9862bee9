#include "server/storage/durability_promise.hpp"

#include "shared/base/error.hpp"
#include "shared/files/file_system.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <boost/filesystem/operations.hpp>

namespace ftpc::server {

namespace {

constexpr int most_layers = 8; // of file systems that lie on each other

constexpr std::array<std::string_view, 25> on_own_disks{
    "ext2",   "ext3",    "ext4",  "xfs",   "btrfs",   "f2fs",     "zfs",   "bcachefs", "jfs",
    "nilfs2", "vfat",    "msdos", "exfat", "ntfs3",   "reiserfs", "udf",   "hfsplus",  "squashfs",
    "erofs",  "iso9660", "tmpfs", "ramfs", "overlay", "ecryptfs", "rootfs"};

constexpr std::array<std::string_view, 2> in_memory{"tmpfs", "ramfs"};

// They put a directory on the disks of several machines before fsync returns.
constexpr std::array<std::string_view, 3> ceph{"ceph", "fuse.ceph", "fuse.ceph-fuse"};

// These answer fsync of a directory without asking for a disk. The last two are made from MooseFS.
constexpr std::array<std::string_view, 7> in_vain{"glusterfs",     "fuse.glusterfs", "fuse.mfs",
                                                  "fuse.mfsmount", "fuse.moosefs",   "fuse.lizardfs",
                                                  "fuse.saunafs"};

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& types, std::string_view type)
{
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool is_nfs(const Mount& mount)
{
    return mount.type == "nfs" || mount.type == "nfs4";
}

// The directory that a stacked file system writes to; empty: it is none.
std::string path_below(const Mount& mount)
{
    if (mount.type == "overlay") return option_value(mount, "upperdir");
    return mount.type == "ecryptfs" ? mount.source : std::string{};
}

// The mount below all stacked ones. `mount` itself if it is not stacked, or if the one below is hidden from
// this process, as in a container.
const Mount& lowest(const Mount& mount, const MountTable& mounts)
{
    const Mount* here = &mount;
    for (int i = 0; i < most_layers; ++i) {
        const std::string below = path_below(*here);
        const Mount* const next = below.empty() ? nullptr : mount_at(below, mounts);
        if (next == nullptr || next->id == here->id) break;
        here = next;
    }
    return *here;
}

std::string type_in_words(const Mount& mount, const Mount& below)
{
    return mount.id == below.id ? mount.type : mount.type + " on " + below.type;
}

// Why a sync there means nothing; empty: it may mean something.
std::string why_in_vain(const Mount& mount, const Mount& below)
{
    if (contains(in_vain, below.type)) return "fsync of a directory reaches no disk there";
    if (mount.type == "overlay" && has_option(mount, "volatile"))
        return "it is mounted with the option volatile, which leaves out every sync";
    return {};
}

// The condition of the promise; empty: it depends on this machine alone.
std::string condition(const Mount& below)
{
    if (contains(in_memory, below.type)) return "but nothing there outlives the machine's next start";
    if (is_nfs(below))
        return "if the server exports it with the option sync (warning: with async it keeps no promise)";
    if (below.type == "autofs") return "if what is mounted there on demand does so";
    if (option_value(below, "barrier") == "0" || has_option(below, "nobarrier"))
        return "but it is mounted without barriers, so a disk with a volatile cache may lose them";
    if (contains(on_own_disks, below.type) || contains(ceph, below.type)) return {};
    return "if the server behind it keeps its word";
}

DurabilityPromise promise_in_words(const std::string& type, const std::string& how,
                                   const std::string& condition)
{
    const std::string words = type + ": directories are made durable by " + how;
    if (condition.empty()) return {Durable::always, words};
    return {Durable::depends, words + ", " + condition};
}

DurabilityPromise no_promise(const std::string& type, const std::string& why)
{
    return {Durable::never, type + ": cannot promise durability: " + why};
}

DurabilityPromise promise(const Mount& mount, const MountTable& mounts, const std::string& how)
{
    const Mount& below = lowest(mount, mounts);
    const std::string type = type_in_words(mount, below);
    if (const std::string why = why_in_vain(mount, below); !why.empty()) return no_promise(type, why);
    return promise_in_words(type, how, condition(below));
}

std::string path_of(int fd)
{
    boost::system::error_code failure;
    return boost::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), failure).string();
}

// How one file system that does not answer would hold up all clients; empty: it would not.
std::string why_all_wait(HandOver hand_over, const Mount& mount, const MountTable& mounts)
{
    if (hand_over == HandOver::always || !may_hang(mount, mounts)) return {};
    const bool hidden = !path_below(mount).empty(); // by what lies on it
    if (hand_over == HandOver::automatic && !hidden) return {};
    return type_in_words(mount, lowest(mount, mounts)) +
           ": if it does not answer, every client waits; set hand-over = " + (hidden ? "always" : "auto");
}

// Why a tree there is not served under these settings; empty: it is.
std::string why_refused(const Settings& settings, const Mount& mount, const MountTable& mounts)
{
    const DurabilityPromise promise = durability_promise(mount, mounts);
    if (settings.durability == Durability::group && promise.durable == Durable::never)
        return promise.words + "; put the tree elsewhere, or set durability = none";
    // protection: never-on-fuse
    if (settings.hand_over == HandOver::never && is_fuse(mount, mounts))
        return why_all_wait(settings.hand_over, mount, mounts);
    return {};
}

} // namespace

DurabilityPromise durability_promise(const Mount& mount, const MountTable& mounts)
{
    return promise(mount, mounts, "fsync");
}

DurabilityPromise durability_promise(int directory)
{
    const MountTable mounts = mounts_now();
    const Mount* const known = mount_of(directory, mounts);
    const Mount mount = known != nullptr ? *known : Mount{.type = "file system of an unknown type"};
    if (auto found = durability_promise(mount, mounts); found.durable == Durable::never) return found;
    const bool by_fsync = ::fsync(directory) == 0;
    const error_code failure = by_fsync ? error_code{} : sync_directory(directory);
    if (failure) return no_promise(type_in_words(mount, lowest(mount, mounts)), failure.message());
    return promise(mount, mounts, by_fsync ? "fsync" : "syncfs only");
}

bool may_hang(const Mount& mount, const MountTable& mounts)
{
    return !contains(on_own_disks, lowest(mount, mounts).type);
}

bool is_fuse(const Mount& mount, const MountTable& mounts)
{
    const std::string& type = lowest(mount, mounts).type;
    return type == "fuse" || type == "fuseblk" || type.starts_with("fuse.");
}

std::string tree_refusal(const Settings& settings, int tree)
{
    const MountTable mounts = mounts_now();
    const Mount* const mount = mount_of(tree, mounts);
    return mount != nullptr ? why_refused(settings, *mount, mounts) : std::string{};
}

TreePromise tree_promise(const Settings& settings, const std::string& root, int tree)
{
    const MountTable mounts = mounts_now();
    TreePromise::At own{root, {}};
    if (settings.durability == Durability::group) own.promise = durability_promise(tree);
    return tree_promise(settings, own, mount_of(tree, mounts), path_of(tree), mounts);
}

TreePromise tree_promise(const Settings& settings, const TreePromise::At& own, const Mount* mount,
                         std::string_view real_path, const MountTable& mounts)
{
    TreePromise result;
    const bool promises = settings.durability == Durability::group;
    const auto add_problem = [&](const std::string& path, const Mount& at) {
        const std::string problem = why_all_wait(settings.hand_over, at, mounts);
        if (!problem.empty()) result.problems.push_back({path, problem});
    };
    if (promises) result.promises.push_back(own);
    if (mount != nullptr) {
        add_problem(own.path, *mount);
        result.refusal = why_refused(settings, *mount, mounts);
    }
    for (const Mount& below : mounts_below(real_path, mounts)) {
        if (promises) result.promises.push_back({below.point, durability_promise(below, mounts)});
        add_problem(below.point, below);
    }
    return result;
}

} // namespace ftpc::server
