#include "server/log/log_throttle.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

TEST_CASE("so many lines pass in a second, and the next one says how many did not")
{
    LogThrottle throttle{2};
    const LogThrottle::Time begin{1000s};
    CHECK(throttle.pass(begin) == std::uint64_t{0});
    CHECK(throttle.pass(begin + 1ms) == std::uint64_t{0});
    for (int i = 0; i < 1000; ++i)
        CHECK_FALSE(throttle.pass(begin + 500ms));
    CHECK(throttle.pass(begin + 1s) == std::uint64_t{1000});
    CHECK(throttle.pass(begin + 1s) == std::uint64_t{0});
    CHECK_FALSE(throttle.pass(begin + 1s));
}
