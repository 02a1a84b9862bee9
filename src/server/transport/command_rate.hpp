// Limits the commands a second of one session. A faster client is not refused: it waits.
#pragma once

#include <algorithm>
#include <chrono>

namespace ftpc::server {

class CommandRate {
public:
    using Clock = std::chrono::steady_clock;

    // Counts a command that has come at `now`. Returns how long it has to wait, so that no more than
    // `per_second` are carried out after a burst of as many. 0 allows any number.
    Clock::duration take(unsigned per_second, Clock::time_point now)
    {
        if (per_second == 0) return Clock::duration::zero();
        constexpr std::chrono::seconds burst{1};
        due_ = std::max(due_, now - burst) + std::chrono::nanoseconds{std::chrono::seconds{1}} / per_second;
        return std::max(due_ - now, Clock::duration::zero());
    }

private:
    Clock::time_point due_{}; // of the next command, had all come evenly
};

} // namespace ftpc::server
