// The address of a server.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace ftpc::benchmark {

struct Target {
    sockaddr_storage address;
    socklen_t address_bytes;

    // The same address with another port.
    Target with_port(std::uint16_t port) const;
};

// "127.0.0.1:2121" or "[::1]:2121": an address, no name, so that no look-up is measured. Throws.
Target parse_target(const std::string& text);

// A connection without Nagle's delay. Throws std::system_error.
UniqueFd connect_to(const Target& target);

// The next segments that come are acknowledged without delay. A server with Nagle's algorithm would otherwise
// wait 40 ms between two replies.
void acknowledge_at_once(int socket);

} // namespace ftpc::benchmark
