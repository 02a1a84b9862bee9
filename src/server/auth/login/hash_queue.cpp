#include "server/auth/login/hash_queue.hpp"

#include "server/auth/login/thread_priority.hpp"
#include "server/log/log.hpp"
#include "shared/base/threads.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

HashQueue::HashQueue(unsigned workers, std::size_t capacity) : waiting_{capacity}
{
    start_workers(workers);
}

HashQueue::~HashQueue()
{
    stop_workers_from(0);
}

void HashQueue::submit(const ipc::PeerAddress& peer, LoginRank rank, HashJob job)
{
    std::optional<HashJob> displaced;
    {
        const std::scoped_lock lock{mutex_};
        displaced = waiting_.push(peer, rank, std::move(job));
    }
    changed_.notify_one();
    if (displaced) displaced->refuse();
}

void HashQueue::refuse_all_of(const ipc::PeerAddress& peer)
{
    std::vector<HashJob> refused;
    {
        const std::scoped_lock lock{mutex_};
        refused = waiting_.take_all_of(peer);
    }
    for (const HashJob& job : refused)
        job.refuse();
}

void HashQueue::resize(unsigned workers, std::size_t capacity)
{
    {
        const std::scoped_lock lock{mutex_};
        waiting_.set_capacity(capacity);
    }
    start_workers(workers);
}

void HashQueue::start_workers(unsigned workers)
{
    const std::size_t wanted = workers != 0 ? workers : std::max(1U, std::thread::hardware_concurrency());
    stop_workers_from(wanted);
    {
        const std::scoped_lock lock{mutex_};
        wanted_ = wanted;
    }
    while (workers_.size() < wanted)
        if (!start_worker()) break;
}

// Fewer are enough; without one nobody could log in.
bool HashQueue::start_worker()
{
    try {
        workers_.push_back(start_thread([this, index = workers_.size()] { work(index); }));
        return true;
    } catch (const std::runtime_error& error) {
        // protection: fewer-threads
        if (workers_.empty()) throw;
        log_event("few-threads",
                  {{"threads", "hash-workers"}, {"started", workers_.size()}, {"reason", error.what()}});
        return false;
    }
}

void HashQueue::stop_workers_from(std::size_t first)
{
    if (first >= workers_.size()) return;
    {
        const std::scoped_lock lock{mutex_};
        wanted_ = first;
    }
    changed_.notify_all();
    for (std::size_t i = first; i < workers_.size(); ++i)
        workers_[i].join();
    workers_.resize(first);
}

void HashQueue::work(std::size_t index)
{
    lower_thread_priority();
    std::unique_lock lock{mutex_};
    while (true) {
        changed_.wait(lock, [&] { return index >= wanted_ || waiting_.size() != 0; });
        if (index >= wanted_) return;
        auto job = waiting_.pop();
        lock.unlock();
        if (!job->is_withdrawn()) job->run();
        job.reset(); // with its captures, outside of the lock
        lock.lock();
    }
}

} // namespace ftpc::server
