#include "server/peer_network.hpp"

#include <algorithm>

namespace ftpc::server {

namespace {

constexpr ipc::PeerAddress mapped_ipv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
constexpr std::size_t mapped_prefix_bytes = 12;
constexpr std::size_t ipv6_network_bytes = 8;

} // namespace

PeerNetwork network_of(const ipc::PeerAddress& peer)
{
    if (std::equal(peer.begin(), peer.begin() + mapped_prefix_bytes, mapped_ipv4.begin())) return peer;
    PeerNetwork network{};
    std::copy_n(peer.begin(), ipv6_network_bytes, network.begin());
    return network;
}

} // namespace ftpc::server
