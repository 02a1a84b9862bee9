// When a child that has ended is started again: after a pause that grows while it does not last. Plain
// values: the supervisor starts and reaps.
#pragma once

#include <chrono>
#include <cstddef>

namespace ftpc::server {

class RestartPause {
public:
    using Time = std::chrono::steady_clock::time_point;

    static constexpr std::chrono::milliseconds shortest{50};
    // A child that had been serving is back soon even if it dies again and again, but not at once. An
    // attacker who can end it gets few tries a second.
    static constexpr std::chrono::milliseconds longest_of_serving{100};
    static constexpr std::chrono::milliseconds longest{10000}; // of one that did not even become ready
    static constexpr std::chrono::seconds long_enough{10};     // after such a life there is no pause

    void started(Time now) { started_ = now; }

    // The child has ended. `had_served`: it had become ready. `left_behind`: the number of its processes that
    // cannot end yet. Each of them doubles a pause that is added, since the next one may meet the same.
    void ended(Time now, bool had_served, std::size_t left_behind);

    // No child has lived this time, so the life of the last one does not count.
    void could_not_start(Time now, std::size_t left_behind);

    // The cause of the pause has gone.
    void end(Time now) { restart_at_ = now; }

    Time restart_at() const { return restart_at_; }

private:
    void grow(Time now, std::chrono::milliseconds most, std::size_t left_behind);
    void begin(Time now, std::size_t left_behind);

    Time started_;
    Time restart_at_;
    std::chrono::milliseconds pause_{0};
};

} // namespace ftpc::server
