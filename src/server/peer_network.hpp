// Whom the bounds that hold for an address count as one: an IPv4 address, or the /64 of an IPv6 address,
// since anybody with one IPv6 address has all of its /64.
#pragma once

#include "server/ipc/messages.hpp"

namespace ftpc::server {

// The part of an address that one client holds, the rest zeros.
using PeerNetwork = ipc::PeerAddress;

PeerNetwork network_of(const ipc::PeerAddress& peer);

} // namespace ftpc::server
