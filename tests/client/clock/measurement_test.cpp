#include "client/clock/measurement.hpp"

#include "support/catch.hpp"

#include <ctime>
#include <vector>

using namespace ftpc::client;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

namespace {

constexpr nanoseconds years = std::chrono::hours{24 * 365 * 50};

// A question at `sent` since the start of the machine, with the times that it took. The server's clock is
// `ahead` of the boot clock.
TimeRound round_of(nanoseconds sent, nanoseconds there, nanoseconds at_server, nanoseconds back,
                   nanoseconds ahead = years)
{
    const nanoseconds arrived = sent + there;
    const nanoseconds answered = arrived + at_server;
    return {BootTime{sent},
            BootTime{answered + back},
            {ClockTime{arrived + ahead}, ClockTime{answered + ahead}, ClockState::synchronised, 5us, 1h}};
}

ClockReading server_with(ClockState state, std::chrono::microseconds max_error = 0us)
{
    return {0ns, 0ns, state, max_error, 0s};
}

} // namespace

TEST_CASE("a round gives the server's clock, and half of its way as the bound")
{
    const auto even = best_of(std::vector{round_of(1s, 3ms, 40ms, 3ms)});
    REQUIRE(even);
    CHECK(even->ahead_of_boot == years);
    CHECK(even->bound == 3ms);
    CHECK(even->state == ClockState::synchronised);
    CHECK(even->max_error == 5us);
    CHECK(even->zone_offset == 1h);
    CHECK(even->at(BootTime{2s}) == ClockTime{years + 2s});
    CHECK(even->moment_of(ClockTime{years + 2s}) == BootTime{2s});
}

TEST_CASE("the error of a round whose ways are unlike is exactly its bound, and never more")
{
    const auto slow_there = best_of(std::vector{round_of(1s, 8ms, 1ms, 0ms)});
    CHECK(slow_there->ahead_of_boot == years + 4ms);
    CHECK(slow_there->bound == 4ms);
    const auto slow_back = best_of(std::vector{round_of(1s, 0ms, 1ms, 8ms)});
    CHECK(slow_back->ahead_of_boot == years - 4ms);
    CHECK(slow_back->bound == 4ms);
}

TEST_CASE("the best round is the one with the smallest bound, not the one with the shortest time")
{
    const auto best = best_of(
        std::vector{round_of(1s, 5ms, 1ms, 5ms), round_of(2s, 1ms, 50ms, 2ms), round_of(3s, 9ms, 0ms, 0ms)});
    REQUIRE(best);
    CHECK(best->bound == 1500us);
    CHECK(best->ahead_of_boot == years - 500us);
}

TEST_CASE("rounds that contradict each other, or themselves, are no measurement")
{
    CHECK_FALSE(best_of({}));
    // The server's clock was set between two rounds, and within one.
    CHECK_FALSE(best_of(std::vector{round_of(1s, 1ms, 1ms, 1ms), round_of(2s, 1ms, 1ms, 1ms, years + 1h)}));
    CHECK_FALSE(best_of(std::vector{round_of(1s, 1ms, 1ms, 1ms), round_of(2s, 1ms, 1ms, 1ms, years - 10ms)}));
    TimeRound jumped = round_of(1s, 1ms, 1ms, 1ms);
    jumped.told.sent += 1s;
    CHECK_FALSE(best_of(std::vector{jumped, round_of(2s, 1ms, 1ms, 1ms)}));
    TimeRound jumped_least = round_of(1s, 0ms, 1ms, 0ms);
    jumped_least.told.sent += 1ns;
    CHECK_FALSE(best_of(std::vector{jumped_least}));
    // A slow one agrees with everything that it leaves open.
    CHECK(best_of(std::vector{round_of(1s, 1ms, 1ms, 1ms), round_of(2s, 900ms, 1ms, 1ms)}));
}

TEST_CASE("the largest times of a server overflow nothing")
{
    TimeRound late = round_of(1s, 1ms, 1ms, 1ms);
    late.told.received = late.told.sent = ClockTime{8'999'999'999s};
    const auto reading = best_of(std::vector{late});
    REQUIRE(reading);
    CHECK(reading->ahead_of_boot > 8'999'999'990s);
    const ClockOffset offset = offset_between(*reading, read_own_clock());
    CHECK(judge(*reading, offset, 1s) == ClockVerdict::outside);
    const ClockReading doubtful = server_with(ClockState::synchronised, 1'000'000s); // the largest error
    CHECK(judge(doubtful, {nanoseconds::max(), 1s}, 1s) == ClockVerdict::outside);
    CHECK(judge(doubtful, {-nanoseconds::max(), 1s}, 1s) == ClockVerdict::outside);
}

TEST_CASE("the own clock is the system's, with its zone")
{
    const ClockReading own = read_own_clock();
    const ClockTime now = std::chrono::system_clock::now();
    CHECK(own.bound < 1s);
    CHECK(own.at(BootClock::now()) - now < 1s);
    CHECK(now - own.at(BootClock::now()) < 1s);
    const std::time_t seconds = std::time(nullptr);
    CHECK(own.zone_offset.count() == std::localtime(&seconds)->tm_gmtoff);
}

TEST_CASE("the offset is what the own clock lacks, and both bounds count")
{
    ClockReading server = server_with(ClockState::local);
    ClockReading own = server;
    server.ahead_of_boot = years;
    server.bound = 2ms;
    own.ahead_of_boot = years - 1h;
    own.bound = 1ms;
    CHECK(offset_between(server, own).offset == 1h);
    CHECK(offset_between(own, server).offset == -1h);
    CHECK(offset_between(server, own).bound == 3ms);
}

TEST_CASE("a clock is within the tolerance if it is so in the worst case")
{
    const ClockReading server = server_with(ClockState::synchronised, 100us);
    CHECK(judge(server, {300us, 100us}, 500us) == ClockVerdict::within);
    CHECK(judge(server, {-300us, 100us}, 500us) == ClockVerdict::within);
    CHECK(judge(server, {301us, 100us}, 500us) == ClockVerdict::uncertain);
    CHECK(judge(server, {-301us, 100us}, 500us) == ClockVerdict::uncertain);
    CHECK(judge(server, {0us, 1ms}, 500us) == ClockVerdict::uncertain);
    CHECK(judge(server, {700us, 100us}, 500us) == ClockVerdict::uncertain);
    CHECK(judge(server, {701us, 100us}, 500us) == ClockVerdict::outside);
    CHECK(judge(server, {-1h, 100us}, 500us) == ClockVerdict::outside);
}

TEST_CASE("nothing is checked by a server that is not synchronised; a standard is right")
{
    CHECK(judge(server_with(ClockState::unsynchronised), {0ns, 0ns}, 1h) ==
          ClockVerdict::server_unsynchronised);
    CHECK(judge(server_with(ClockState::local), {0ns, 0ns}, 1us) == ClockVerdict::within);
}
