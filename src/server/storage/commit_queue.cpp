#include "server/storage/commit_queue.hpp"

#include "shared/base/threads.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

CommitQueue::CommitQueue(TreeSync& sync, unsigned most_parents)
    : sync_{sync}, most_parents_{most_parents}, thread_{start_thread([this] { run(); })}
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

void CommitQueue::commit(Parents parents, Done done)
{
    bool enough = false;
    {
        const std::lock_guard lock{mutex_};
        waiting_.push_back({std::move(parents), std::move(done)});
        if (waiting_.size() % most_with_own_parents == 0) share_parents();
        enough = waiting_.size() == enough_waiting_;
    }
    if (enough) enough_.notify_one();
}

bool CommitQueue::busy() const
{
    const std::lock_guard lock{mutex_};
    return syncing_ || !waiting_.empty();
}

// From so many on they are synced as a whole in any case. Waits of clients that have left hold no more
// descriptors together than one, also if the disk is slow.
void CommitQueue::share_parents()
{
    Parents all;
    for (const Waiting& waiting : waiting_)
        all.add(waiting.parents, 1);
    for (Waiting& waiting : waiting_) {
        Parents shared = all;
        waiting.parents = shared.take_if([&](const Parents::Entry& entry) {
            return std::any_of(waiting.parents.begin(), waiting.parents.end(), [&](const auto& own) {
                return own.directory->file_system.device == entry.directory->file_system.device;
            });
        });
    }
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
        syncing_ = true;
        sync_and_tell(std::exchange(waiting_, {}), lock);
        syncing_ = false;
    }
}

// Returns when nothing of the batch is left: objects that its waits refer to may be gone soon after.
void CommitQueue::sync_and_tell(std::vector<Waiting> batch, std::unique_lock<std::mutex>& lock)
{
    const unsigned most_parents = most_parents_;
    lock.unlock();
    const auto begun = GroupGathering::Clock::now();
    const TreeSync::Failures failures = sync(batch, most_parents);
    const auto ended = GroupGathering::Clock::now();
    lock.lock();
    gathering_.synced(batch.size(), waiting_.size(), ended - begun, ended);
    lock.unlock();
    for (const Waiting& waiting : batch)
        waiting.done(TreeSync::failure_of(waiting.parents, failures));
    batch.clear();
    lock.lock();
}

// Waits for a commit, and for others that will share its sync.
void CommitQueue::gather(std::unique_lock<std::mutex>& lock)
{
    const auto enough = [this] { return stopping_ || waiting_.size() >= enough_waiting_; };
    enough_waiting_ = 1;
    enough_.wait(lock, enough);
    enough_waiting_ = gathering_.expected();
    enough_.wait_until(lock, gathering_.until(), enough);
    gathering_.gathered(waiting_.size());
}

TreeSync::Failures CommitQueue::sync(const std::vector<Waiting>& batch, unsigned most_parents)
{
    std::vector<const Parents*> parents;
    parents.reserve(batch.size());
    for (const Waiting& waiting : batch)
        parents.push_back(&waiting.parents);
    return sync_.sync(parents, most_parents);
}

} // namespace ftpc::server
