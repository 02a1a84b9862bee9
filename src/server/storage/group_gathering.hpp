// How long a commit waits for others to share its sync. A sync costs much the same for one session as for
// all, and sessions that were answered together tend to send again together. Without a wait they fall into
// two halves that wait for each other's syncs. Decides only: the time is given to it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace ftpc::server {

class GroupGathering {
public:
    using Clock = std::chrono::steady_clock;

    // A sync for so many has taken that long and ended `now`, and so many wait already.
    void synced(std::size_t answered, std::size_t waiting, Clock::duration took, Clock::time_point now)
    {
        answered_ = answered;
        waiting_ = waiting;
        until_ = now + std::min<Clock::duration>(took, longest) / (1U << in_vain_);
    }

    static constexpr std::chrono::milliseconds longest{20}; // a disk that stalls is no reason to wait as long

    // With so many sessions the next sync begins; with fewer at until(), at most one sync time away. A single
    // session does not wait.
    std::size_t expected() const { return answered_ + waiting_; }
    Clock::time_point until() const { return until_; }

    // The next sync begins, for so many. If few of the answered sessions sent again in time, the next wait is
    // shorter.
    void gathered(std::size_t count)
    {
        const std::size_t came_back = count - std::min(count, waiting_);
        if (2 * came_back >= answered_)
            in_vain_ = 0;
        else
            in_vain_ = std::min(in_vain_ + 1, most_in_vain);
    }

private:
    static constexpr unsigned most_in_vain = 6;

    std::size_t answered_ = 0;
    std::size_t waiting_ = 0; // when the last sync ended
    Clock::time_point until_{};
    unsigned in_vain_ = 0; // waits in turn
};

} // namespace ftpc::server
