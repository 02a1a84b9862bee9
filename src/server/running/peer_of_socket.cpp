#include "server/running/peer_of_socket.hpp"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace ftpc::server {

sockaddr_un socket_address(const std::string& path)
{
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) throw std::length_error{path + ": too long for a socket"};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

std::optional<ucred> peer_of(int socket)
{
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return peer;
}

bool is_trusted_peer(int socket)
{
    const auto peer = peer_of(socket);
    return peer && (peer->uid == 0 || peer->uid == ::geteuid());
}

} // namespace ftpc::server
