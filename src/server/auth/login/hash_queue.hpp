// The threads that hash passwords, and the bounded, fair queue in front of them. Each worker holds the memory
// of one hash while it works, so their number bounds the memory of all logins together. They run at a lower
// priority than the rest, so that guessing does not slow down logged-in users.
#pragma once

#include "server/auth/state/fair_queue.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace ftpc::server {

class HashQueue {
public:
    // `workers`: 0 for one for each core; fewer, with an event, if there can be no more threads. `capacity`:
    // how many jobs may wait. Throws std::runtime_error if there can be no thread at all.
    HashQueue(unsigned workers, std::size_t capacity);
    HashQueue(const HashQueue&) = delete;
    HashQueue& operator=(const HashQueue&) = delete;
    // Waits for the jobs that run; those that wait are dropped.
    ~HashQueue();

    // Takes `job`, or refuses it or another that waits, as FairQueue::push() says; `refuse` is called before
    // this returns. Jobs must not throw.
    void submit(const ipc::PeerAddress& peer, LoginRank rank, HashJob job);

    // Refuses all that waits of the network of `peer`, before this returns.
    void refuse_all_of(const ipc::PeerAddress& peer);

    // As in the constructor, for later jobs. Waits for surplus workers to end.
    void resize(unsigned workers, std::size_t capacity);

private:
    void start_workers(unsigned workers);
    bool start_worker();
    void stop_workers_from(std::size_t first);
    void work(std::size_t index);

    std::mutex mutex_;
    std::condition_variable changed_;
    FairQueue waiting_;
    std::size_t wanted_ = 0; // workers with an index below this go on
    std::vector<std::thread> workers_;
};

} // namespace ftpc::server
