// Waiting for a time of the server's day, in a world whose clocks the test has in its hand.
#include "client/clock/occurrence_wait.hpp"

#include "client/outcome.hpp"
#include "support/catch.hpp"

#include <functional>
#include <vector>

using namespace ftpc::client;
using namespace std::chrono_literals;
using ftpc::test::contains;
using std::chrono::nanoseconds;

namespace {

const ClockTime half_past_eleven{1'796'083'200s - 30min}; // 2026-11-30T23:30:00 in UTC

struct World {
    BootTime now{1000s};
    ClockReading server{half_past_eleven - ClockTime{1000s}, 1ms, ClockState::synchronised, 0us, 0s};
    ClockReading own = server;
    nanoseconds answer_takes = 10ms;
    std::optional<Failure> refusal;
    WaitOptions options{*parse_time_of_day("00:00"), 0s, false};

    std::vector<nanoseconds> asked; // how long before midnight
    std::vector<std::string> warnings;
    std::function<void()> before_each_question = [] {};
    std::function<void()> after_each_sleep = [] {};

    ClockTime time() const { return server.at(now); }
    nanoseconds to_midnight() const { return ClockTime{1'796'083'200s} - time(); }

    void server_says(ClockTime time)
    {
        server.ahead_of_boot = time.time_since_epoch() - now.time_since_epoch();
    }

    Outcome<ClockReading> answer()
    {
        before_each_question();
        asked.push_back(to_midnight());
        now += answer_takes;
        if (refusal) return *refusal;
        return server;
    }

    Outcome<Reached> wait()
    {
        OccurrenceWait wait{"files:2121",
                            options,
                            {[this] { return answer(); }, [this] { return own; }, [this] { return now; },
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
    check_midnight(wait());
    CHECK(to_midnight() == 0s);
    CHECK(warnings.empty());
}

TEST_CASE_METHOD(World, "the server is asked at half of what is left each time, and a second before the end")
{
    check_midnight(wait());
    REQUIRE(asked.size() > 5);
    CHECK(asked.front() == 30min);
    for (std::size_t i = 1; i + 1 < asked.size(); ++i)
        CHECK(std::chrono::abs(asked[i] - (asked[i - 1] - answer_takes) / 2) <= 1ns);
    CHECK(asked.back() == 1s);
}

TEST_CASE_METHOD(World, "a server that answers slowly is asked earlier before the end")
{
    answer_takes = 3s;
    check_midnight(wait());
    CHECK(asked.back() == 6s);
    CHECK(to_midnight() == 0s);
}

TEST_CASE_METHOD(World, "midnight is that of the server's zone")
{
    server.zone_offset = -5h;
    options.until = *parse_time_of_day("18:45");
    const auto reached = wait();
    REQUIRE(reached);
    CHECK(occurrence_text(reached->occurrence) == "2026-11-30T18:45:00");
    CHECK(to_midnight() == 15min);
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
    CHECK(reached->late_by == 5ms);
}

TEST_CASE_METHOD(World, "if the server's clock is set meanwhile, the new time counts")
{
    SECTION("forward, to before midnight")
    {
        before_each_question = [this] {
            if (asked.size() == 2) server_says(time() + 5min);
        };
        check_midnight(wait());
        CHECK(to_midnight() == 0s);
    }
    SECTION("back")
    {
        before_each_question = [this] {
            if (asked.size() == 2) server_says(time() - 1h);
        };
        check_midnight(wait());
        CHECK(to_midnight() == 0s);
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
    CHECK(to_midnight() == -4h); // 06:00 in the new offset
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
            if (to_midnight() == 0s) now += 3h;
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
    refusal = Failure{ExitStatus::unreachable, "cannot reach files:2121"};
    const auto reached = wait();
    REQUIRE_FALSE(reached);
    CHECK(reached.error().status == ExitStatus::unreachable);
    CHECK(asked.size() == 1);
}

TEST_CASE_METHOD(World, "a server that is away at the end ends the wait, and may be away in between")
{
    const Failure away{ExitStatus::unreachable, "cannot reach files:2121"};
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
        before_each_question = [&] {
            if (asked.size() == 2) refusal = away;
        };
        const auto reached = wait();
        REQUIRE_FALSE(reached);
        CHECK(reached.error().status == ExitStatus::unreachable);
        CHECK(to_midnight() > 0s);
        CHECK(to_midnight() <= 1s);
    }
    SECTION("from some time on, and the time passes while it is asked")
    {
        before_each_question = [&] {
            if (asked.empty()) return;
            refusal = away;
            answer_takes = 1h;
        };
        const auto reached = wait();
        REQUIRE_FALSE(reached);
        CHECK(reached.error().status == ExitStatus::unreachable);
    }
}

TEST_CASE_METHOD(World, "without its server a wait goes on by the own clock, if that is allowed")
{
    refusal = Failure{ExitStatus::unreachable, "cannot reach files:2121"};
    options.or_local = true;
    own.ahead_of_boot -= 10min; // and ends when it is midnight there
    own.zone_offset = 0s;
    check_midnight(wait());
    CHECK(to_midnight() == -10min);
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings.front(), "the wait goes on by the clock of this machine"));
}

TEST_CASE_METHOD(World, "a wait that may do without its server goes on by the last answer of it")
{
    options.or_local = true;
    own.ahead_of_boot -= 10min;
    before_each_question = [this] {
        if (asked.size() == 2) refusal = Failure{ExitStatus::unreachable, "cannot reach files:2121"};
    };
    check_midnight(wait());
    CHECK(to_midnight() == 0s);
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
