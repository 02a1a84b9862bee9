// The promise of a file system for new directories. No other module knows file systems by their names.
#pragma once

#include "server/config/settings.hpp"
#include "server/storage/mounts.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

// Whether the entries of a directory outlive a loss of power after a sync. `always`: if the disk keeps its
// word. `depends`: on a server or a program that cannot be asked.
enum class Durable { always, depends, never };

struct DurabilityPromise {
    Durable durable = Durable::always;
    std::string words; // with the type: "ext4: directories are made durable by fsync"
};

// By the type of the mount, without asking the file system.
DurabilityPromise durability_promise(const Mount& mount, const MountTable& mounts);

// The same, found out by syncing `directory` as well. Waits as long as its file system does.
DurabilityPromise durability_promise(int directory);

// Whether calls there may wait for more than this machine's own disks. A stacked file system (overlay,
// eCryptfs) is what it lies on, as far as that can be told.
bool may_hang(const Mount& mount, const MountTable& mounts);
bool is_fuse(const Mount& mount, const MountTable& mounts);

// The tree as its file systems are, and what that means under these settings.
struct TreePromise {
    struct At {
        std::string path;
        DurabilityPromise promise;
    };
    std::vector<At> promises; // of the tree, then of what is mounted below it; none where nothing is promised
    std::string refusal;      // why the tree cannot be served; empty: it can
    std::vector<Problem> problems; // clients wait for each other, as the settings are
};

// The refusal alone, without asking the file system.
std::string tree_refusal(const Settings& settings, int tree);

// `root`: the path of the open directory `tree`, as people know it. Waits as long as its file system does.
TreePromise tree_promise(const Settings& settings, const std::string& root, int tree);

// The same by data. `own`: the promise of the tree itself. `mount`: the one through which it was reached,
// null if that is not known. `real_path`: without symbolic links.
TreePromise tree_promise(const Settings& settings, const TreePromise::At& own, const Mount* mount,
                         std::string_view real_path, const MountTable& mounts);

} // namespace ftpc::server
