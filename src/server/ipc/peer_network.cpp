#include "server/ipc/peer_network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace ftpc::server {

namespace {

constexpr ipc::PeerAddress mapped_ipv4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
constexpr std::size_t mapped_prefix_bytes = 12;
constexpr std::size_t ipv6_network_bytes = 8;

bool is_ipv4(const ipc::PeerAddress& peer)
{
    return std::equal(peer.begin(), peer.begin() + mapped_prefix_bytes, mapped_ipv4.begin());
}

} // namespace

PeerNetwork network_of(const ipc::PeerAddress& peer)
{
    if (is_ipv4(peer)) return peer;
    PeerNetwork network{};
    std::copy_n(peer.begin(), ipv6_network_bytes, network.begin());
    return network;
}

std::string address_text(const ipc::PeerAddress& peer)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4(peer))
        ::inet_ntop(AF_INET, peer.data() + mapped_prefix_bytes, text.data(), text.size());
    else
        ::inet_ntop(AF_INET6, peer.data(), text.data(), text.size());
    return text.data();
}

std::optional<ipc::PeerAddress> parse_address(std::string_view text)
{
    const std::string copy{text};
    ipc::PeerAddress address = mapped_ipv4;
    const bool known = ::inet_pton(AF_INET, copy.c_str(), address.data() + mapped_prefix_bytes) == 1 ||
                       ::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1;
    if (!known || address_text(address) != text) return std::nullopt;
    return address;
}

} // namespace ftpc::server
