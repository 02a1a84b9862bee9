// The order of waiting logins: a better rank goes first, and among equals the addresses take turns. So one
// client's flood of logins delays that client only.
#pragma once

#include "server/ipc/peer_network.hpp"

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ftpc::server {

using Withdrawn = std::shared_ptr<const std::atomic<bool>>; // may be set from any thread; null: never

// Work for one login. `run` is called on a worker, or `refuse` by the thread that found no room for it.
// Exactly one of them is called, once, unless the queue ends first. Nobody wants the result once `withdrawn`
// is set; the job may then be dropped without a call.
struct HashJob {
    std::function<void()> run;
    std::function<void()> refuse;
    Withdrawn withdrawn{};

    bool is_withdrawn() const { return withdrawn && *withdrawn; }
};

// How soon a login is checked: 0 first. The login limiter (login_limiter.hpp) says which login has which.
using LoginRank = unsigned;

// A bounded queue with one line for each network (network_of) and rank. No threads, no locks.
class FairQueue {
public:
    explicit FairQueue(std::size_t capacity) : capacity_{capacity} {}

    // A full queue first drops withdrawn jobs. Returns the job that there is no room for even then. That is
    // the newest of the longest line of the worst rank, if that rank is worse than this one. In the same
    // rank, that line must be longer than this one would be. Else it is `job` itself.
    std::optional<HashJob> push(const ipc::PeerAddress& peer, LoginRank rank, HashJob job);

    // The next job of the best rank and of the network whose turn it is; none when nothing waits.
    std::optional<HashJob> pop();

    // Takes out all that waits of one network.
    std::vector<HashJob> take_all_of(const ipc::PeerAddress& peer);

    // Waiting jobs stay.
    void set_capacity(std::size_t capacity) { capacity_ = capacity; }

    std::size_t size() const { return size_; }

private:
    using Key = std::pair<LoginRank, PeerNetwork>;
    using Lines = std::map<Key, std::deque<HashJob>>;
    void drop_withdrawn();
    Lines::iterator line_to_shorten();
    HashJob take_newest(Lines::iterator line);
    void end_line(Lines::iterator line);

    std::size_t capacity_;
    std::size_t size_ = 0;
    Lines lines_; // none is empty
    std::map<LoginRank, std::list<PeerNetwork>>
        turns_; // each network with a line once, next first; none is empty
};

} // namespace ftpc::server
