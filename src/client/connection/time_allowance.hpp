// How long a command may wait for the name server, the network and the server (--timeout), over all
// connections of the command. The time of the user and of this machine does not count.
#pragma once

#include <chrono>
#include <memory>

namespace ftpc::client {

// Copies share the time used.
class TimeAllowance {
public:
    using Clock = std::chrono::steady_clock;

    // Not explicit, so that callers can write a number of seconds.
    TimeAllowance(std::chrono::seconds limit) : state_{std::make_shared<State>(State{limit, {}})} {}

    std::chrono::seconds limit() const { return state_->limit; }

    // Never negative.
    Clock::duration left() const;
    bool used_up() const { return left() == Clock::duration::zero(); }

    // The same as a point in time, for one wait that begins now.
    Clock::time_point deadline() const { return Clock::now() + left(); }

    // The other side has done a part of its work: all of the limit is there again.
    void renew() { state_->used = {}; }

    // Counts the time from its beginning to its end.
    class Use {
    public:
        explicit Use(TimeAllowance& allowance) : allowance_{allowance} {}
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() { allowance_.state_->used += Clock::now() - begin_; }

    private:
        TimeAllowance& allowance_;
        Clock::time_point begin_ = Clock::now();
    };

private:
    struct State {
        std::chrono::seconds limit;
        Clock::duration used;
    };
    std::shared_ptr<State> state_;
};

} // namespace ftpc::client
