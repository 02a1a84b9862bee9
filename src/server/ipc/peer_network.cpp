#include "server/ipc/peer_network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

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

ipc::PeerAddress address_of(const sockaddr& address)
{
    ipc::PeerAddress result = mapped_ipv4;
    if (address.sa_family == AF_INET6) {
        const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
        std::memcpy(result.data(), &ipv6.sin6_addr, result.size());
    } else {
        const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
        std::memcpy(result.data() + mapped_prefix_bytes, &ipv4.sin_addr, sizeof ipv4.sin_addr);
    }
    return result;
}

ipc::PeerAddress local_address(int socket)
{
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
    return address_of(reinterpret_cast<const sockaddr&>(own));
}

std::optional<std::array<std::uint8_t, 4>> ipv4_of(const ipc::PeerAddress& address)
{
    if (!is_ipv4(address)) return std::nullopt;
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(address.begin() + mapped_prefix_bytes, bytes.size(), bytes.begin());
    return bytes;
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
