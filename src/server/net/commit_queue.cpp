#include "server/net/commit_queue.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace ftpc::server {

namespace {

class KernelSync final : public FileSystemSync {
public:
    error_code sync_directory(int fd) override
    {
        return ::fsync(fd) == 0 ? error_code{} : last_system_error();
    }
    error_code sync_file_system(int fd) override
    {
        return ::syncfs(fd) == 0 ? error_code{} : last_system_error();
    }
};

dev_t device_of(const OpenDirectory& directory)
{
    struct stat status {};
    return ::fstat(directory.fd.get(), &status) == 0 ? status.st_dev : 0;
}

} // namespace

std::unique_ptr<FileSystemSync> make_file_system_sync()
{
    return std::make_unique<KernelSync>();
}

CommitQueue::CommitQueue(Directory root, unsigned most_parents, std::unique_ptr<FileSystemSync> sync,
                         Before before)
    : root_{std::move(root)}, root_device_{device_of(*root_)}, sync_{std::move(sync)},
      most_parents_{most_parents}, in_doubt_{before == Before::unknown}, thread_{[this] { run(); }}
{}

CommitQueue::~CommitQueue()
{
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    enough_.notify_one();
    thread_.join();
    for (const Waiting& waiting : waiting_)
        waiting.done({ECANCELED, boost::system::system_category()});
}

void CommitQueue::commit(std::vector<Directory> parents, Done done)
{
    bool enough = false;
    {
        const std::lock_guard lock{mutex_};
        waiting_.push_back({std::move(parents), std::move(done)});
        enough = waiting_.size() == enough_waiting_;
    }
    if (enough) enough_.notify_one();
}

void CommitQueue::set_most_parents(unsigned most_parents)
{
    const std::lock_guard lock{mutex_};
    most_parents_ = most_parents;
}

void CommitQueue::run()
{
    std::unique_lock lock{mutex_};
    while (true) {
        gather(lock);
        if (stopping_) return;
        const std::vector<Waiting> batch = std::exchange(waiting_, {});
        const unsigned most_parents = most_parents_;
        lock.unlock();
        const auto begun = GroupGathering::Clock::now();
        const error_code result = sync(batch, most_parents);
        const auto ended = GroupGathering::Clock::now();
        lock.lock();
        gathering_.synced(batch.size(), waiting_.size(), ended - begun, ended);
        lock.unlock();
        for (const Waiting& waiting : batch)
            waiting.done(result);
        lock.lock();
    }
}

// Waits for somebody, and for those who will share the sync.
void CommitQueue::gather(std::unique_lock<std::mutex>& lock)
{
    const auto enough = [this] { return stopping_ || waiting_.size() >= enough_waiting_; };
    enough_waiting_ = 1;
    enough_.wait(lock, enough);
    enough_waiting_ = gathering_.expected();
    enough_.wait_until(lock, gathering_.until(), enough);
    gathering_.gathered(waiting_.size());
}

error_code CommitQueue::sync(const std::vector<Waiting>& batch, unsigned most_parents)
{
    std::vector<Parent> parents = distinct_parents(batch);
    // After a failure the whole file system is asked once more: a directory that was written in vain must not
    // be acknowledged because a later fsync of the same descriptor finds nothing left to write.
    const bool one_by_one =
        !in_doubt_ && parents.size() <= most_parents &&
        std::all_of(parents.begin(), parents.end(), [](const Parent& p) { return p.can_sync; });
    const error_code result = one_by_one ? sync_directories(parents) : sync_file_systems(parents);
    in_doubt_ = result.failed();
    return result;
}

std::vector<CommitQueue::Parent> CommitQueue::distinct_parents(const std::vector<Waiting>& batch)
{
    std::vector<Parent> parents;
    for (const Waiting& waiting : batch) {
        for (const Directory& parent : waiting.parents) {
            struct stat status {};
            const bool known = ::fstat(parent->fd.get(), &status) == 0;
            parents.push_back({status.st_dev, status.st_ino, known && parent->can_sync, parent->fd.get()});
        }
    }
    // Those that can be synced first, so that they are the ones kept.
    const auto key = [](const Parent& p) { return std::tuple{p.device, p.inode, !p.can_sync}; };
    std::sort(parents.begin(), parents.end(),
              [&](const Parent& a, const Parent& b) { return key(a) < key(b); });
    const auto same = [](const Parent& a, const Parent& b) {
        return a.device == b.device && a.inode == b.inode;
    };
    parents.erase(std::unique(parents.begin(), parents.end(), same), parents.end());
    return parents;
}

error_code CommitQueue::sync_directories(const std::vector<Parent>& parents)
{
    error_code result;
    for (const Parent& parent : parents)
        if (const error_code failure = sync_->sync_directory(parent.fd)) result = failure;
    return result;
}

// Each file system that has a parent here; the tree's own by its root, which can be synced in any case.
error_code CommitQueue::sync_file_systems(const std::vector<Parent>& parents)
{
    error_code result;
    dev_t done = 0;
    const auto in_tree = [this](const Parent& parent) { return parent.device == root_device_; };
    if (std::any_of(parents.begin(), parents.end(), in_tree)) {
        result = sync_->sync_file_system(root_->fd.get());
        done = root_device_;
    }
    for (const Parent& parent : parents) { // sorted by device
        if (parent.device == root_device_ || parent.device == done) continue;
        if (!parent.can_sync) return {EACCES, boost::system::system_category()};
        if (const error_code failure = sync_->sync_file_system(parent.fd)) result = failure;
        done = parent.device;
    }
    return result;
}

} // namespace ftpc::server
