// Puts directories on disk, and remembers for each file system whether all that was made there before is
// there, too.
#pragma once

#include "server/storage/parents.hpp"
#include "shared/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace ftpc::server {

// The two calls that put directories on disk; tests stand in for a disk that fails.
class FileSystemSync {
public:
    virtual ~FileSystemSync() = default;
    virtual error_code sync_directory(int fd) = 0;   // as of shared/files/file_system.hpp
    virtual error_code sync_file_system(int fd) = 0; // the same
};
std::unique_ptr<FileSystemSync> make_file_system_sync();

// From any thread.
//
// A file system is in doubt when it is met first, since an earlier process may have made directories in vain.
// Each failed sync brings it into doubt again. Then an existing directory may not be on disk. So an answer
// takes a sync of the whole file system, which ends the doubt. If that is no good, it takes a sync of each
// directory from the parent up to the tree's root.
class TreeSync {
public:
    // `root`: the tree's, which can be synced in any case.
    explicit TreeSync(Directory root, std::unique_ptr<FileSystemSync> sync = make_file_system_sync());

    // The result for each file system; those without a failure are left out.
    using Failures = std::vector<std::pair<dev_t, error_code>>;

    // Puts the entries of all `parents` on disk one by one. More than `most_parents` of a file system that
    // syncs as a whole take one sync of that.
    Failures sync(const std::vector<const Parents*>& parents, std::size_t most_parents);
    error_code sync(const Parents& parents, std::size_t most_parents);

    // Whether one of `parents` lies on a file system that has failed.
    static error_code failure_of(const Parents& parents, const Failures& failures);

    // Directories have been made without a sync: anywhere, or in `parents`.
    void doubt_all();
    void doubt(const Parents& parents);

private:
    struct Parent {
        dev_t device; // of its FileSystem
        DirectoryId id;
        bool can_sync;
        bool syncs_as_a_whole;
        bool whole;
        int fd;
    };
    using Group = std::vector<Parent>; // of one file system
    struct Doubt {
        // protection: first-doubt
        bool doubted = true;
        std::uint64_t begun = 0;       // how often
        std::uint64_t failed = 0;      // of these, after syncs that failed, or may have
        std::set<DirectoryId> cleared; // directories that were synced since, with all above them
        void begin(bool after_failure)
        {
            doubted = true;
            ++begun;
            if (after_failure) ++failed;
            cleared.clear();
        }
    };
    static std::vector<Group> groups(const std::vector<const Parents*>& parents);
    error_code sync_group(const Group& group, std::size_t most_parents);
    error_code sync_as_a_whole(const Group& group);
    error_code sync_one_by_one(const Group& group);
    error_code sync_with_those_above(const Group& group);
    error_code sync_above(const Parent& parent, const Group& group, std::uint64_t begun);
    bool is_doubted(dev_t device);
    std::uint64_t begun_doubts(dev_t device);
    std::uint64_t failed_syncs(dev_t device);
    void begin_doubt(dev_t device, bool after_failure);
    void end_doubt(dev_t device, std::uint64_t begun);
    bool is_cleared(dev_t device, const DirectoryId& id);
    void clear(dev_t device, const std::vector<DirectoryId>& ids, std::uint64_t begun);

    Directory root_;
    DirectoryId root_id_;
    std::unique_ptr<FileSystemSync> sync_;
    std::mutex mutex_; // of the doubts
    std::map<dev_t, Doubt> doubts_;
};

} // namespace ftpc::server
