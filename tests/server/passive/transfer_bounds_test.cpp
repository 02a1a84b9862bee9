// How many transfers may run at the same time.
#include "server/passive/transfer_bounds.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;

TEST_CASE("transfer bounds: no more than the bound in all, and again when one has ended")
{
    TransferBounds bounds;
    auto first = bounds.take("alice", 2, 9);
    const auto second = bounds.take("bob", 2, 9);
    REQUIRE((first && second));
    CHECK_FALSE(bounds.take("carol", 2, 9));
    first.reset();
    CHECK(bounds.take("carol", 2, 9));
}

TEST_CASE("transfer bounds: one user leaves room for the others")
{
    TransferBounds bounds;
    const auto first = bounds.take("alice", 9, 1);
    REQUIRE(first);
    CHECK_FALSE(bounds.take("alice", 9, 1));
    CHECK(bounds.take("bob", 9, 1));
}
