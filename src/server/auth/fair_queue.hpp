// Who is next when many wait: addresses take turns, so that one client's flood of logins delays that client
// only.
#pragma once

#include "server/peer_network.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>

namespace ftpc::server {

// Work for one login: `run` is called on a worker, or else `refuse` by whoever found that there is no room
// for it. Exactly one of them is called, once, unless the queue ends first.
struct HashJob {
    std::function<void()> run;
    std::function<void()> refuse;
};

// A bounded queue with one line for each IPv4 address and each /64 of IPv6. No threads, no locks.
class FairQueue {
public:
    explicit FairQueue(std::size_t capacity) : capacity_{capacity} {}

    // Returns the job that there is no room for, if that is so: where the address of `job` has fewer waiting
    // than another, the newest job of the address with the most; else `job` itself.
    std::optional<HashJob> push(const ipc::PeerAddress& peer, HashJob job);

    // The next job, of the address whose turn it is; none when nothing waits.
    std::optional<HashJob> pop();

    // What waits already stays.
    void set_capacity(std::size_t capacity) { capacity_ = capacity; }

    std::size_t size() const { return size_; }

private:
    using Lines = std::map<PeerNetwork, std::deque<HashJob>>;
    Lines::iterator longest_line();
    HashJob take_newest(Lines::iterator line);

    std::size_t capacity_;
    std::size_t size_ = 0;
    Lines lines_;                  // none is empty
    std::list<PeerNetwork> turns_; // each network with a line once, next first
};

} // namespace ftpc::server
