// The sockets on which net accepts clients; opened by the supervisor, so that a restarted net loses no
// connection attempt.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

struct ListeningSocket {
    UniqueFd fd;
    std::string address; // as bound, with the port that was taken: "[::]:2121"
};

// Opens the sockets for "ADDRESS:PORT", "[IPV6]:PORT" or ":PORT" (all addresses), as many as the name has
// addresses.
// `::` also takes IPv4 clients, and means 0.0.0.0 on a machine without IPv6.
// Throws std::runtime_error with the address and the reason.
std::vector<ListeningSocket> open_listening_sockets(const std::string& where);

// Whether it accepts clients as it did when it was opened. Processes that share it could have changed that:
// shut it down, attached a filter, made it wait.
bool is_sound(const ListeningSocket& socket);

// Ends the listening for every process that has the socket; clients that wait to be accepted are reset. Its
// address is free.
void stop_listening(const ListeningSocket& socket);

// A new socket at the same address in its place. Throws std::runtime_error with the address and the reason;
// then it has none, and is not sound.
void reopen(ListeningSocket& socket);

// Throws the same where that must fail, whether or not the port is taken now: it may be the running server
// that has it.
void check_listening_address(const std::string& where);

} // namespace ftpc::server
