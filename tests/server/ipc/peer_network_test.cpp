#include "server/ipc/peer_network.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;

namespace {

ipc::PeerAddress ipv4(std::uint8_t last)
{
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, last};
}

ipc::PeerAddress ipv6(std::uint8_t eighth, std::uint8_t last)
{
    return {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, eighth, 0, 0, 0, 0, 0, 0, 0, last};
}

} // namespace

TEST_CASE("every IPv4 address is a network of its own")
{
    CHECK((network_of(ipv4(1)) == ipv4(1)));
    CHECK((network_of(ipv4(1)) != network_of(ipv4(2))));
}

TEST_CASE("IPv6 addresses of one /64 are one network, neighbouring /64s are not")
{
    CHECK((network_of(ipv6(1, 1)) == network_of(ipv6(1, 2))));
    CHECK((network_of(ipv6(1, 1)) != network_of(ipv6(2, 1))));
    CHECK((network_of(ipv6(1, 1)) == ipv6(1, 0)));
}
