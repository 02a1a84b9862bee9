#include "server/transport/command_rate.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

const CommandRate::Clock::time_point begin{1000s};

} // namespace

TEST_CASE("a burst of one second's commands does not wait, later commands do")
{
    CommandRate rate;
    for (int i = 0; i < 100; ++i)
        REQUIRE(rate.take(100, begin) == 0ns);
    CHECK(rate.take(100, begin) == 10ms);
    CHECK(rate.take(100, begin) == 20ms);
}

TEST_CASE("a client that waits as told gets as many commands a second as allowed")
{
    CommandRate rate;
    auto now = begin;
    for (int i = 0; i < 100 + 500; ++i)
        now += rate.take(100, now);
    CHECK(now - begin == 5s);
}

TEST_CASE("silence saves up no more than one burst")
{
    CommandRate rate;
    rate.take(100, begin);
    const auto later = begin + 3600s;
    for (int i = 0; i < 100; ++i)
        REQUIRE(rate.take(100, later) == 0ns);
    CHECK(rate.take(100, later) > 0ns);
}

TEST_CASE("0 is no bound")
{
    CommandRate rate;
    for (int i = 0; i < 1000000; ++i)
        REQUIRE(rate.take(0, begin) == 0ns);
}
