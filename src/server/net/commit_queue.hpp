// Durable acknowledgement: whoever made directories waits here until they are on disk, and those who wait
// together share one sync (group commit, as databases do it).
#pragma once

#include "server/net/group_gathering.hpp"
#include "server/net/tree.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ftpc::server {

// The two calls that put directories on disk; tests stand in for a disk that fails.
class FileSystemSync {
public:
    virtual ~FileSystemSync() = default;
    virtual error_code sync_directory(int fd) = 0;   // fsync(2)
    virtual error_code sync_file_system(int fd) = 0; // syncfs(2)
};
std::unique_ptr<FileSystemSync> make_file_system_sync();

class CommitQueue {
public:
    using Done = std::function<void(error_code)>;

    // What is known of the directories that are there at the beginning. `unknown`: somebody made some and
    // died, perhaps after a sync had failed; the first batch is then synced as a whole file system, as after
    // a failure.
    enum class Before { on_disk, unknown };

    // `root` is any directory of the tree's file system. A batch with more than `most_parents` different
    // parents, or with one that cannot be synced by itself, is synced as a whole file system, which also
    // writes what others have unwritten there. All parents must be local: the others' sessions would have to
    // wait for a file system that hangs.
    CommitQueue(Directory root, unsigned most_parents,
                std::unique_ptr<FileSystemSync> sync = make_file_system_sync(),
                Before before = Before::on_disk);
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;
    // Waits for the batch under way; whoever still waits behind it is told ECANCELED.
    ~CommitQueue();

    // Calls `done` on the queue's own thread once the entries of all `parents` are on disk, or with the error
    // of the sync that failed. After a failed sync of a batch all in it are told so; it is not tried again
    // for them.
    void commit(std::vector<Directory> parents, Done done);

    void set_most_parents(unsigned most_parents);

private:
    struct Waiting {
        std::vector<Directory> parents;
        Done done;
    };
    void run();
    void gather(std::unique_lock<std::mutex>& lock);
    // The same directory may be open many times, once in every session that works in it.
    struct Parent {
        dev_t device;
        ino_t inode;
        bool can_sync;
        int fd;
    };
    static std::vector<Parent>
    distinct_parents(const std::vector<Waiting>& batch); // sorted by device and inode
    error_code sync(const std::vector<Waiting>& batch, unsigned most_parents);
    error_code sync_directories(const std::vector<Parent>& parents);
    error_code sync_file_systems(const std::vector<Parent>& parents);

    Directory root_;
    dev_t root_device_ = 0;
    std::unique_ptr<FileSystemSync> sync_;
    std::mutex mutex_;
    std::condition_variable enough_;
    std::vector<Waiting> waiting_;
    std::size_t enough_waiting_ = 1; // so many that the thread goes on
    GroupGathering gathering_;
    unsigned most_parents_;
    bool in_doubt_; // whether all that was made before this batch is on disk; touched by run() only
    bool stopping_ = false;
    std::thread thread_; // last: it uses all of the above
};

} // namespace ftpc::server
