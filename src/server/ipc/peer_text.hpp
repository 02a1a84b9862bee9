// The address of a client, as auth and the log know it.
#pragma once

#include "server/ipc/messages.hpp"

#include <boost/asio/ip/address.hpp>

#include <string>

namespace ftpc::server {

ipc::PeerAddress peer_address(const boost::asio::ip::address& address);
std::string peer_text(const ipc::PeerAddress& peer); // "192.0.2.7", "2001:db8::1"

} // namespace ftpc::server
