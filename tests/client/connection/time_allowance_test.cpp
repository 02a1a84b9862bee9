#include "client/connection/time_allowance.hpp"

#include "support/catch.hpp"

using namespace ftpc::client;

TEST_CASE("only the time of a use counts, and copies share it")
{
    TimeAllowance allowance{std::chrono::seconds{5}};
    const TimeAllowance copy = allowance;
    CHECK(allowance.left() == std::chrono::seconds{5});
    {
        const TimeAllowance::Use use{allowance};
        CHECK(allowance.left() == std::chrono::seconds{5});
    }
    CHECK(allowance.left() < std::chrono::seconds{5});
    CHECK(copy.left() == allowance.left());
    CHECK_FALSE(copy.used_up());
    allowance.renew();
    CHECK(copy.left() == std::chrono::seconds{5});
}

TEST_CASE("more time than there was leaves none, and not less")
{
    TimeAllowance allowance{std::chrono::seconds{0}};
    {
        const TimeAllowance::Use use{allowance};
    }
    CHECK(allowance.used_up());
    CHECK(allowance.left() == std::chrono::seconds{0});
}
