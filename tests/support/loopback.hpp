// TCP on 127.0.0.1, for tests that need more than a pair of sockets.
#pragma once

#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <utility>

namespace ftpc::test {

// On a free port; accept(2) does not block.
inline UniqueFd listening_socket()
{
    UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 16) == 0);
    return socket;
}

inline UniqueFd connected_to(int listening)
{
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    return socket;
}

// The server's end, which does not block, and the client's.
inline std::pair<UniqueFd, UniqueFd> loopback_connection()
{
    const UniqueFd listening = listening_socket();
    UniqueFd client = connected_to(listening.get());
    UniqueFd server{::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    REQUIRE(server);
    return {std::move(server), std::move(client)};
}

} // namespace ftpc::test
