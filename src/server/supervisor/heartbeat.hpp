// Whether a child lives, judged by its answers and by what the kernel says of it. Plain values: the
// supervisor asks, looks and acts.
#pragma once

#include "server/running/process_state.hpp"

#include <chrono>

namespace ftpc::server {

class Heartbeat {
public:
    static constexpr std::chrono::milliseconds interval{250}; // between two looks
    // Longer than a disk makes a child wait on a bad day. It is counted in looks, so the time for which the
    // supervisor itself stood still does not count.
    static constexpr std::chrono::seconds longest_silence{20};

    // The child has said something: it is ready, or has answered.
    void heard() { answered_ = true; }

    enum class Verdict {
        wait,
        ask,   // it has answered since the last question
        kill,  // it has been silent for too long
        leave, // it is ending and does not get there: a thread of it waits in the kernel
    };
    // Once every `interval`, with the state of the process as it is now.
    Verdict look(const ProcessState& state);

private:
    static constexpr int most_silent_looks = longest_silence / interval;
    static constexpr int most_ending_looks = 2; // an end takes some milliseconds

    bool answered_ = false;
    int silent_looks_ = 0;
    int ending_looks_ = 0;
};

} // namespace ftpc::server
