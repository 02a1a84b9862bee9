// Addresses and peers of sockets in the file system (unix(7)).
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>

namespace ftpc::server {

// Throws std::length_error if the path is longer than an address holds (107 bytes).
sockaddr_un socket_address(const std::string& path);

// The other side of a connected socket: its process when it connected, or listened.
std::optional<ucred> peer_of(int socket);

// Root, or the user of this process.
bool is_trusted_peer(int socket);

} // namespace ftpc::server
