// Waiting for a time of the server's day, in a world whose clocks the test has in its hand.
#include "client/clock/occurrence_wait.hpp"

#include "client/outcome.hpp"
#include "support/catch.hpp"

#include <functional>
#include <utility>
#include <vector>

using namespace ftpc::client;
using namespace std::chrono_literals;
using ftpc::test::contains;
using std::chrono::nanoseconds;

namespace {

const Failure away{ExitStatus::unreachable, "cannot reach files:2121"};
const ClockTime half_past_eleven{1'796'083'200s - 30min}; // 2026-11-30T23:30:00 in UTC

struct World {
    BootTime now{1000s};
    ClockReading server{half_past_eleven - ClockTime{1000s}, 1ms, ClockState::synchronised, 0us, 0s};
    ClockReading own = server;
    nanoseconds answer_takes = 10ms;
    std::optional<Failure> refusal;
    bool is_silent = false; // a question then takes all the time that it may
    WaitOptions options{*parse_time_of_day("00:00"), 0s, false};

    std::vector<nanoseconds> asked; // how long before midnight
    std::vector<std::chrono::seconds> at_most;
    std::vector<std::string> warnings;
    std::function<void()> before_each_question = [] {};
    std::function<void()> after_each_sleep = [] {};

    ClockTime time() const { return server.at(now); }
    nanoseconds to_midnight() const { return ClockTime{1'796'083'200s} - time(); }

    void server_says(ClockTime time)
    {
        server.ahead_of_boot = time.time_since_epoch() - now.time_since_epoch();
    }

    Outcome<ClockReading> answer(std::chrono::seconds limit)
    {
        before_each_question();
        asked.push_back(to_midnight());
        at_most.push_back(limit);
        const ClockReading told = server;
        now += is_silent ? std::min<nanoseconds>(limit, 30s) : answer_takes;
        if (is_silent) return away;
        if (refusal) return *refusal;
        return told;
    }

    // The server is away for good from the question behind `number` others on.
    void goes_away_after(std::size_t number)
    {
        before_each_question = [this, number] {
            if (asked.size() >= number) refusal = away;
        };
    }

    // Midnight has come by the server's own word, and the answer took a moment.
    bool is_just_midnight() const
    {
        return to_midnight() <= -answer_takes && to_midnight() >= -answer_takes - 2ms;
    }

    Outcome<Reached> wait()
    {
        OccurrenceWait wait{"files:2121",
                            options,
                            {[this](std::chrono::seconds limit) { return answer(limit); },
                             [this] { return own; }, [this] { return now; },
                             [this](BootTime end) {
                                 now = std::max(now, end);
                                 after_each_sleep();
                             },
                             [this](const std::string& words) { warnings.push_back(words); }}};
        return wait.run();
    }
};

void check_midnight(const Outcome<Reached>& reached)
{
    REQUIRE(reached);
    CHECK(occurrence_text(reached->occurrence) == "2026-12-01T00:00:00");
}

void check_late(const Outcome<Reached>& reached, const std::string& by)
{
    REQUIRE_FALSE(reached);
    CHECK(reached.error().status == ExitStatus::failed);
    CHECK(contains(reached.error().message, "2026-12-01T00:00:00 at files:2121 was " + by + " ago"));
}

} // namespace

TEST_CASE_METHOD(World, "a wait ends at the midnight of the server, even if the own clock is an hour slow")
{
    own.ahead_of_boot -= 1h;
    const auto reached = wait();
    check_midnight(reached);
    CHECK(is_just_midnight());
    CHECK(reached->late_by == -to_midnight());
    CHECK(warnings.empty());
}

TEST_CASE_METHOD(World,
                 "the server is asked at half of what is left, a second before the end, and at the end")
{
    check_midnight(wait());
    REQUIRE(asked.size() > 5);
    CHECK(asked.front() == 30min);
    for (std::size_t i = 1; i + 2 < asked.size(); ++i)
        CHECK(std::chrono::abs(asked[i] - (asked[i - 1] - answer_takes) / 2) <= 1ms);
    CHECK(asked[asked.size() - 2] == 1s - server.bound);
    CHECK(asked.back() == -server.bound); // it shows midnight for certain
}

TEST_CASE_METHOD(World, "a server that answers slowly is asked earlier before the end")
{
    answer_takes = 3s;
    check_midnight(wait());
    CHECK(asked[asked.size() - 2] == 6s - server.bound);
    CHECK(asked.back() == -server.bound);
}

TEST_CASE_METHOD(World, "no question lasts beyond the end, and the one at the end does not last for long")
{
    check_midnight(wait());
    for (std::size_t i = 1; i + 1 < asked.size(); ++i)
        CHECK(at_most[i] <= std::max<nanoseconds>(1s, asked[i] + server.bound));
    CHECK(at_most[at_most.size() - 2] == 1s);
    CHECK(at_most.back() == 10s);
}

TEST_CASE_METHOD(World, "midnight is that of the server's zone")
{
    server.zone_offset = -5h;
    options.until = *parse_time_of_day("18:45");
    const auto reached = wait();
    REQUIRE(reached);
    CHECK(occurrence_text(reached->occurrence) == "2026-11-30T18:45:00");
    CHECK(asked.back() == 15min - server.bound);
}

TEST_CASE_METHOD(World, "a wait that begins too late says by how much, and does not wait for tomorrow")
{
    server_says(ClockTime{1'796'083'200s + 50min});
    const auto begun = now;
    check_late(wait(), "50 min");
    CHECK(now - begun == answer_takes);
    options.late = 49min;
    check_late(wait(), "50 min");
}

TEST_CASE_METHOD(World, "a wait may begin as late as is allowed")
{
    server_says(ClockTime{1'796'083'200s + 50min});
    options.late = 2h;
    const auto reached = wait();
    check_midnight(reached);
    CHECK(reached->late_by == 50min + answer_takes);
    CHECK(asked.size() == 1);
}

TEST_CASE_METHOD(World, "a time that comes while the server is asked is not late")
{
    server_says(ClockTime{1'796'083'200s - 5ms});
    const auto reached = wait();
    check_midnight(reached);
    CHECK(reached->late_by == 5ms + answer_takes); // it was asked once more
}

TEST_CASE_METHOD(World, "if the server's clock is set meanwhile, the new time counts")
{
    SECTION("forward, to before midnight")
    {
        before_each_question = [this] {
            if (asked.size() == 2) server_says(time() + 5min);
        };
        check_midnight(wait());
        CHECK(is_just_midnight());
    }
    SECTION("back")
    {
        before_each_question = [this] {
            if (asked.size() == 2) server_says(time() - 1h);
        };
        check_midnight(wait());
        CHECK(is_just_midnight());
    }
    SECTION("past midnight, which is late then")
    {
        before_each_question = [this] {
            if (asked.size() == 2) server_says(time() + 1h);
        };
        check_late(wait(), "52 min 30 s");
    }
}

TEST_CASE_METHOD(World, "an occurrence moves along if the offset of the zone changes meanwhile")
{
    server.zone_offset = 1h;
    options.until = *parse_time_of_day("06:00");
    before_each_question = [this] {
        if (asked.size() == 1) server.zone_offset = 2h;
    };
    const auto reached = wait();
    REQUIRE(reached);
    CHECK(occurrence_text(reached->occurrence) == "2026-12-01T06:00:00");
    CHECK(asked.back() == -4h - server.bound); // 06:00 in the new offset
}

TEST_CASE_METHOD(
    World, "if the zone changes its offset at the very occurrence, the wait goes on until the time is shown")
{
    // In Berlin 03:00 of summer time is 02:00 of winter time, and in Cairo midnight is 23:00.
    server.zone_offset = 2h;
    before_each_question = [this] { server.zone_offset = to_midnight() > 0s ? 2h : 1h; };
    options.until = *parse_time_of_day("02:00");
    const auto reached = wait();
    REQUIRE(reached);
    CHECK(occurrence_text(reached->occurrence) == "2026-12-01T02:00:00");
    CHECK(asked.back() == -1h - server.bound);
    CHECK(reached->late_by == server.bound + answer_takes);
}

TEST_CASE_METHOD(World, "a server that was asked a little before the occurrence is asked again")
{
    // The server's clock loses 50 ms in the last second, so its zone has not changed when it is asked.
    bool slow = false;
    before_each_question = [&] {
        if (to_midnight() <= 0s && !std::exchange(slow, true)) server_says(time() - 50ms);
        server.zone_offset = to_midnight() > 0s ? 2h : 1h;
    };
    options.until = *parse_time_of_day("02:00");
    server.zone_offset = 2h;
    REQUIRE(wait());
    CHECK(asked.back() == -1h - server.bound);
}

TEST_CASE_METHOD(World, "a midnight that the zone skips comes with the change")
{
    before_each_question = [this] { server.zone_offset = to_midnight() > 0s ? 0h : 1h; };
    check_midnight(wait());
    CHECK(is_just_midnight());
}

TEST_CASE_METHOD(World,
                 "a wait that began in time may end a minute late, since machines pause and clocks are set")
{
    SECTION("a pause across the occurrence")
    {
        after_each_sleep = [this] {
            if (asked.size() > 5 && to_midnight() <= 1s && to_midnight() > 0s) now += 1500ms;
        };
        check_midnight(wait());
        CHECK(to_midnight() < -500ms);
    }
    SECTION("the server's clock is set forward before the last question")
    {
        before_each_question = [this] {
            if (asked.size() > 5 && to_midnight() < 2s && to_midnight() > 0s) server_says(time() + 2s);
        };
        check_midnight(wait());
        CHECK(to_midnight() > -2s);
    }
    SECTION("no more than a minute")
    {
        before_each_question = [this] {
            if (to_midnight() <= 1s && to_midnight() > 0s) server_says(time() + 62s);
        };
        const auto reached = wait();
        check_late(reached, "1 min 1 s");
        CHECK(
            contains(reached.error().message, "This machine paused, or the server's clock or zone changed"));
    }
    SECTION("not one that began too late")
    {
        server_says(ClockTime{1'796'083'200s + 1s});
        const auto reached = wait();
        check_late(reached, "1.010 s");
        CHECK(contains(reached.error().message, "Start earlier"));
    }
}

TEST_CASE_METHOD(World, "a machine that sleeps through midnight is late")
{
    SECTION("between two questions")
    {
        after_each_sleep = [this] {
            if (asked.size() == 2) now += 3h;
        };
        check_late(wait(), "2 h 52 min");
    }
    SECTION("in the last second")
    {
        after_each_sleep = [this] {
            if (to_midnight() <= 0s) now += 3h;
        };
        check_late(wait(), "3 h");
    }
    SECTION("a little later than asked is no matter")
    {
        after_each_sleep = [this] { now += 20ms; };
        check_midnight(wait());
    }
}

TEST_CASE_METHOD(World, "a server that is away at the beginning ends the wait")
{
    refusal = away;
    const auto reached = wait();
    REQUIRE_FALSE(reached);
    CHECK(reached.error().status == ExitStatus::unreachable);
    CHECK(asked.size() == 1);
}

TEST_CASE_METHOD(World, "a server that is away at the end ends the wait, and may be away in between")
{
    SECTION("in between")
    {
        before_each_question = [&] {
            refusal = asked.size() == 1 || asked.size() == 3 ? std::optional{away} : std::nullopt;
        };
        check_midnight(wait());
        REQUIRE(warnings.size() == 1);
        CHECK(contains(warnings.front(), "cannot reach files:2121; the wait goes on by its last answer"));
    }
    SECTION("from some time on")
    {
        goes_away_after(2);
        const auto reached = wait();
        REQUIRE_FALSE(reached);
        CHECK(reached.error().status == ExitStatus::unreachable);
        CHECK(to_midnight() <= -10s);
        CHECK(to_midnight() > -12s);
    }
    SECTION("it says nothing from some time on")
    {
        before_each_question = [this] { is_silent = asked.size() >= 2; };
        const auto reached = wait();
        REQUIRE_FALSE(reached);
        CHECK(reached.error().status == ExitStatus::unreachable);
        CHECK(to_midnight() > -15s);
    }
    SECTION("in the last minute, and then it is back")
    {
        before_each_question = [this] { is_silent = to_midnight() < 2min && to_midnight() > 10s; };
        check_midnight(wait());
        CHECK(is_just_midnight());
    }
    SECTION("it refuses the last questions before midnight, and is back three seconds after it")
    {
        before_each_question = [this] {
            refusal = to_midnight() < 10s && to_midnight() > -3s ? std::optional{away} : std::nullopt;
        };
        check_midnight(wait());
        CHECK(to_midnight() > -4500ms);
    }
    SECTION("the machine sleeps through midnight, and its network takes some seconds to come back")
    {
        after_each_sleep = [this] {
            if (asked.size() == 5 && to_midnight() > 0s) now += to_midnight() + 25s;
        };
        before_each_question = [this] {
            refusal = to_midnight() < 0s && to_midnight() > -32s ? std::optional{away} : std::nullopt;
        };
        check_midnight(wait());
        CHECK(to_midnight() < -32s);
    }
}

TEST_CASE_METHOD(
    World,
    "a job that may do without its server starts within two seconds if the server vanishes shortly before")
{
    options.or_local = true;
    SECTION("before the last question before the end")
    {
        before_each_question = [this] { is_silent = to_midnight() < 2s; };
        check_midnight(wait());
        CHECK(to_midnight() > -2100ms);
    }
    SECTION("in the last second")
    {
        before_each_question = [this] { is_silent = to_midnight() < 0s; };
        check_midnight(wait());
        CHECK(to_midnight() > -2100ms);
    }
    CHECK(to_midnight() <= 0s);
    CHECK(warnings.size() == 1);
}

TEST_CASE_METHOD(World, "without its server a wait goes on by the own clock, if that is allowed")
{
    refusal = away;
    options.or_local = true;
    own.ahead_of_boot -= 10min; // and ends when it is midnight there
    own.zone_offset = 0s;
    check_midnight(wait());
    CHECK(to_midnight() <= -10min);
    CHECK(to_midnight() > -10min - 100ms);
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings.front(), "the wait goes on by the clock of this machine"));
}

TEST_CASE_METHOD(World, "a wait that may do without its server goes on by the last answer of it")
{
    options.or_local = true;
    own.ahead_of_boot -= 10min;
    goes_away_after(2);
    check_midnight(wait());
    CHECK(is_just_midnight());
    CHECK(warnings.size() == 1);
}

TEST_CASE_METHOD(World, "a server that is not trusted ends the wait at any time")
{
    options.or_local = true;
    before_each_question = [this] {
        if (asked.size() == 2) refusal = Failure{ExitStatus::untrusted, "another key"};
    };
    const auto reached = wait();
    REQUIRE_FALSE(reached);
    CHECK(reached.error().status == ExitStatus::untrusted);
    CHECK(asked.size() == 3);
}
