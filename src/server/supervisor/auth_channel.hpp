// The channel between auth and net, which the supervisor makes.
#pragma once

#include "server/supervisor/child.hpp"

#include <chrono>
#include <cstdint>

namespace ftpc::server {

class AuthChannel {
public:
    using Clock = std::chrono::steady_clock;

    // Connects both over a fresh channel if both serve. To be called whenever one of them is new: a question
    // to its predecessor stays without an answer.
    void connect(const Child& auth, const Child& net);

    // One of them has lost the channel of that number; an old number means nothing.
    void lost(std::uint32_t number) { lost_ = lost_ || number == number_; }

    // Replaces a channel that broke while both live. A young one is kept for a while: a child that can break
    // it must not keep all three processes busy.
    void replace_if_lost(const Child& auth, const Child& net);

    // When replace_if_lost() has something to do; far away if nothing is lost.
    Clock::time_point due() const { return lost_ ? connected_at_ + shortest_life : Clock::time_point::max(); }

private:
    static constexpr std::chrono::milliseconds shortest_life{250};

    std::uint32_t number_ = 0;
    Clock::time_point connected_at_;
    bool lost_ = false;
};

} // namespace ftpc::server
