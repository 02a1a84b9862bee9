// Durable acknowledgement: a session waits here until its new directories are on disk. Sessions that wait
// together share one sync (group commit, as databases do it).
#pragma once

#include "server/storage/group_gathering.hpp"
#include "server/storage/tree_sync.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ftpc::server {

class CommitQueue {
public:
    using Done = std::function<void(error_code)>;

    // `most_parents`: as in TreeSync::sync, for a whole batch. All parents must be local: the others'
    // sessions would have to wait for a file system that hangs.
    CommitQueue(TreeSync& sync, unsigned most_parents);
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;
    // Waits for the batch under way; sessions behind it get ECANCELED.
    ~CommitQueue();

    // Calls `done` on the queue's own thread once the entries of all `parents` are on disk, or with the error
    // of the sync that failed. After a failed sync all in the batch with a parent on that file system are
    // told so; it is not tried again for them.
    void commit(Parents parents, Done done);

    void set_most_parents(unsigned most_parents);

    // Whether a sync is under way or waited for. A disk that does not answer is not to be waited for at the
    // end.
    bool busy() const;

private:
    static constexpr std::size_t most_with_own_parents = 64;
    struct Waiting {
        Parents parents;
        Done done;
    };
    void run();
    void gather(std::unique_lock<std::mutex>& lock);
    TreeSync::Failures sync(const std::vector<Waiting>& batch, unsigned most_parents);

    void sync_and_tell(std::vector<Waiting> batch, std::unique_lock<std::mutex>& lock);
    void share_parents();

    TreeSync& sync_;
    mutable std::mutex mutex_;
    std::condition_variable enough_;
    std::vector<Waiting> waiting_;
    std::size_t enough_waiting_ = 1; // so many that the thread goes on
    GroupGathering gathering_;
    unsigned most_parents_;
    bool syncing_ = false;
    bool stopping_ = false;
    std::thread thread_; // last: it uses all of the above
};

} // namespace ftpc::server
