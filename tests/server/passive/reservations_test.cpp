// For which client a passive port is reserved, and until when.
#include "server/passive/reservations.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <unistd.h>

#include <array>
#include <optional>

using namespace ftpc;
using namespace ftpc::server;

namespace {

ipc::PeerAddress peer(std::uint8_t last)
{
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, last};
}

UniqueFd some_socket()
{
    return UniqueFd{::dup(STDERR_FILENO)};
}

constexpr std::array<std::size_t, 1> one_port{0};
constexpr std::array<std::size_t, 2> two_ports{0, 1};
const auto nobody = [](UniqueFd) {};

} // namespace

TEST_CASE("reservations: a connection goes to the session that waits for its address on its port")
{
    Reservations all;
    std::optional<int> first;
    std::optional<int> second;
    const auto of_first = all.reserve(one_port, peer(1), [&](UniqueFd fd) { first = fd.get(); });
    const auto of_second = all.reserve(one_port, peer(2), [&](UniqueFd fd) { second = fd.get(); });
    REQUIRE((of_first && of_second));
    CHECK_FALSE(all.hand_over(0, peer(2), some_socket()));
    CHECK(second);
    CHECK_FALSE(first);
}

TEST_CASE("reservations: a connection that nobody waits for is given back")
{
    Reservations all;
    const auto reserved = all.reserve(one_port, peer(1), nobody);
    REQUIRE(reserved);
    CHECK(all.hand_over(0, peer(2), some_socket())); // another address
    CHECK(all.hand_over(1, peer(1), some_socket())); // another port
}

TEST_CASE("reservations: the second connection is not expected any more")
{
    Reservations all;
    const auto reserved = all.reserve(one_port, peer(1), nobody);
    REQUIRE(reserved);
    CHECK_FALSE(all.hand_over(0, peer(1), some_socket()));
    CHECK(all.hand_over(0, peer(1), some_socket()));
}

TEST_CASE("reservations: a client whose ports all wait gets no other one until one is free")
{
    Reservations all;
    auto first = std::make_optional(all.reserve(two_ports, peer(1), nobody));
    const auto second = all.reserve(two_ports, peer(1), nobody);
    REQUIRE((*first && second));
    CHECK((*first)->port() != second->port());
    CHECK(all.reserve(two_ports, peer(1), nobody).error() == Errc::no_passive_port);
    first.reset();
    CHECK(all.reserve(two_ports, peer(1), nobody));
}

TEST_CASE("reservations: the end of a reservation whose connection has come leaves a later one alone")
{
    Reservations all;
    auto first = std::make_optional(all.reserve(one_port, peer(1), nobody));
    REQUIRE(*first);
    CHECK_FALSE(all.hand_over(0, peer(1), some_socket()));
    const auto second = all.reserve(one_port, peer(1), nobody);
    REQUIRE(second);
    first.reset();
    CHECK_FALSE(all.hand_over(0, peer(1), some_socket()));
}

TEST_CASE("reservations: without any port there is none to reserve")
{
    Reservations all;
    CHECK(all.reserve({}, peer(1), nobody).error() == Errc::no_passive_port);
}
