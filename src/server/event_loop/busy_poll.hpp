// Whether an idle thread looks again at once, for a moment, before it sleeps. Waking up costs more than
// making a directory, so a nearby client that waits for each reply is answered sooner. If looking again is in
// vain, it is tried ever more seldom.
#pragma once

#include <algorithm>
#include <chrono>

namespace ftpc::server {

class BusyPoll {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr unsigned most_skipped = 63;

    // There was something to do, until `now`.
    void worked(Clock::time_point now)
    {
        if (state_ == State::looking) skipped_in_turn_ = 0;
        state_ = State::working;
        idle_since_ = now;
    }

    // There is nothing to do `now`. Whether to look again, for `most` in all, instead of sleeping.
    bool looks_again(Clock::duration most, Clock::time_point now)
    {
        if (state_ == State::working) state_ = begins_to_look() ? State::looking : State::sleeping;
        if (state_ == State::looking && now - idle_since_ >= most) {
            skipped_in_turn_ = std::min(2 * skipped_in_turn_ + 1, most_skipped);
            to_skip_ = skipped_in_turn_;
            state_ = State::sleeping;
        }
        return state_ == State::looking;
    }

private:
    enum class State { working, looking, sleeping };

    bool begins_to_look()
    {
        if (to_skip_ == 0) return true;
        --to_skip_;
        return false;
    }

    State state_ = State::working;
    Clock::time_point idle_since_{};
    unsigned to_skip_ = 0;         // so many times it will sleep without looking again
    unsigned skipped_in_turn_ = 0; // and so many it did after it had last looked in vain
};

} // namespace ftpc::server
