// The unit of bounds for each address: an IPv4 address, or the /64 of an IPv6 address. Anybody with one IPv6
// address has all of its /64.
#pragma once

#include "server/ipc/messages.hpp"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::server {

// The part of an address that one client holds, the rest zeros.
using PeerNetwork = ipc::PeerAddress;

PeerNetwork network_of(const ipc::PeerAddress& peer);

// Of an address of IPv6, or of IPv4, which is then mapped.
ipc::PeerAddress address_of(const sockaddr& address);

// The address at which `socket`, a connected or bound one, is reached.
ipc::PeerAddress local_address(int socket);

// The four bytes of an address of IPv4; none for IPv6.
std::optional<std::array<std::uint8_t, 4>> ipv4_of(const ipc::PeerAddress& address);

// "192.0.2.7", "2001:db8::7"
std::string address_text(const ipc::PeerAddress& peer);

// None for what address_text() does not print.
std::optional<ipc::PeerAddress> parse_address(std::string_view text);

} // namespace ftpc::server
