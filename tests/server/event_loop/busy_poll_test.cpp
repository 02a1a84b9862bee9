#include "server/event_loop/busy_poll.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr auto most = 50us;
constexpr BusyPoll::Clock::time_point begin{1000s};

struct Course {
    int sleeps = 0;
    BusyPoll::Clock::duration in_vain{}; // looked, and slept all the same
};

// Something to do once in `gap`, so many times.
Course course(BusyPoll& poll, BusyPoll::Clock::duration gap, int times)
{
    Course out;
    auto now = begin;
    for (int i = 0; i < times; ++i) {
        poll.worked(now);
        const auto from = now;
        const auto next = now + gap;
        while (now < next && poll.looks_again(most, now))
            now += 1us;
        if (now < next) {
            ++out.sleeps;
            out.in_vain += now - from;
        }
        now = next;
    }
    return out;
}

} // namespace

TEST_CASE("an early event does not find the thread asleep")
{
    BusyPoll poll;
    CHECK(course(poll, 40us, 1000).sleeps == 0);
}

TEST_CASE("it looks again no longer than it is told")
{
    BusyPoll poll;
    poll.worked(begin);
    CHECK(poll.looks_again(most, begin + 49us));
    CHECK_FALSE(poll.looks_again(most, begin + 50us));
    CHECK_FALSE(poll.looks_again(most, begin + 51us));
}

TEST_CASE("told not to, it always sleeps")
{
    BusyPoll poll;
    for (int i = 0; i < 200; ++i) {
        poll.worked(begin);
        REQUIRE_FALSE(poll.looks_again(0us, begin));
    }
}

TEST_CASE("if all events come late, next to no time is lost with looking")
{
    BusyPoll poll;
    CHECK(course(poll, 60us, 6400).in_vain < 6400 * 60us / 50);
}

TEST_CASE("one that comes late among many that come soon changes little")
{
    BusyPoll poll;
    int slept = 0;
    for (int i = 0; i < 100; ++i)
        slept += course(poll, 200us, 1).sleeps + course(poll, 20us, 20).sleeps;
    CHECK(slept <= 200);
}

TEST_CASE("after a long time of little to do it soon notices that there is much")
{
    BusyPoll poll;
    course(poll, 1s, 1000);
    CHECK(course(poll, 20us, 64 + 1000).sleeps <= 64);
}
