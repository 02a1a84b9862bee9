// Waiting for a time of the server's day.
#pragma once

#include "client/base/failure.hpp"
#include "client/clock/measurement.hpp"
#include "client/clock/occurrence.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace ftpc::client {

struct WaitOptions {
    TimeOfDay until;
    std::chrono::seconds late{}; // it may have passed by so much when the wait begins
    bool or_local = false;       // if the server stays away, the clock of this machine counts
};

// The outside world, as a wait sees it.
struct WaitSurroundings {
    std::function<Outcome<ClockReading>(std::chrono::seconds at_most)> ask_server;
    std::function<ClockReading()> read_own_clock;
    std::function<BootTime()> now;
    std::function<void(BootTime end)> sleep_until;
    std::function<void(const std::string& words)> warn;
};

struct Reached {
    std::chrono::local_seconds occurrence; // in the server's zone
    std::chrono::nanoseconds late_by{};
};

// Asks the server at once, then each time at half of what is left, a second before the end, and at the end. A
// server that answers slowly is asked earlier before it. The answer at the end counts: the offset of the zone
// may have changed at this very time. The server may be away in between, but not at the end.
class OccurrenceWait {
public:
    OccurrenceWait(std::string server, const WaitOptions& options, WaitSurroundings surroundings)
        : server_{std::move(server)}, options_{options}, world_{std::move(surroundings)}
    {}

    // Returns when the time has come, and never waits for the day after. Fails with ExitStatus::failed if it
    // has passed by more than `late`. If it was still ahead at some question, a minute is allowed.
    // Fails like `ask_server` if the server stays away.
    Outcome<Reached> run();

private:
    struct Away {
        Failure failure;
        BootTime since;
    };
    struct SeenAhead {
        BootTime moment;
        std::chrono::seconds zone_offset;
    };

    Outcome<void> look(BootTime begun);
    Outcome<void> do_without(const Failure& failure, BootTime begun);
    std::chrono::seconds longest_answer(BootTime now) const;
    BootTime next_look(BootTime now) const;
    bool is_over(BootTime begun) const;
    bool gives_up() const;
    BootTime due() const;
    BootTime end() const { return due() + clock_->bound; } // the server shows the time for certain
    BootTime came() const;
    Outcome<Reached> arrive() const;
    Failure too_late(std::chrono::nanoseconds late_by) const;

    std::string server_;
    WaitOptions options_;
    WaitSurroundings world_;
    std::optional<ClockReading> clock_; // none: not known yet
    bool by_server_ = false;            // the server has told it
    bool warned_ = false;
    std::chrono::nanoseconds answer_took_{}; // the last one that came
    std::optional<std::chrono::local_seconds> occurrence_;
    std::optional<SeenAhead> ahead_; // the last time; none: the wait began too late
    std::optional<Away> away_;       // the last answer did not come
};

} // namespace ftpc::client
