#include "server/auth/state/clock_trust.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;

namespace {

constexpr std::uint64_t hour = 3600;

} // namespace

TEST_CASE("a clock is trusted once it has kept pace with the steady clock for six hours")
{
    ClockTrust trust;
    CHECK_FALSE(trust.look(1000000, 50));
    CHECK_FALSE(trust.look(1000000 + 5 * hour, 50 + 5 * hour));
    CHECK(trust.look(1000000 + 6 * hour, 50 + 6 * hour));
    CHECK(trust.look(1000000 + 6 * hour + 299, 50 + 6 * hour)); // set right by some seconds
}

TEST_CASE("a clock that was set is not trusted, forward or back")
{
    for (const std::int64_t step : {-7200, -301, 301, 86400 * 1000}) {
        ClockTrust trust;
        trust.look(1000000, 50);
        REQUIRE(trust.look(1000000 + 7 * hour, 50 + 7 * hour));
        const std::uint64_t after = 1000000 + 7 * hour + static_cast<std::uint64_t>(step);
        CHECK_FALSE(trust.look(after, 50 + 7 * hour));
        CHECK_FALSE(trust.look(after + 5 * hour, 50 + 12 * hour));
        CHECK(trust.look(after + 6 * hour, 50 + 13 * hour));
    }
}
