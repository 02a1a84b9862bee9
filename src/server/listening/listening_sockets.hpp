// The sockets on which net accepts clients and time takes datagrams; opened by the supervisor, so that a
// restarted process loses no client.
#pragma once

#include "server/listening/listening_addresses.hpp"
#include "shared/base/unique_fd.hpp"

#include "server/config/settings.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

enum class SocketKind {
    control, // TCP, of net
    data,    // TCP, of net
    ntp,     // UDP, of time
    time_text,
};

struct ListeningSocket {
    UniqueFd fd;
    std::string address;    // as bound, with the port that was taken: "[::]:2121"
    bool only_ipv6 = false; // of [::], if IPv4 has sockets of its own
    SocketKind kind = SocketKind::control;
};

struct OpenedSockets {
    std::vector<ListeningSocket> sockets; // at least one
    std::vector<UnusableAddress> left_out;
};

// Opens sockets of this kind for these addresses, as plan_listening() reads them. Those of UDP tell with each
// datagram when it came, and the address that it was sent to. All addresses means 0.0.0.0 on a
// machine without IPv6. An address that this machine does not have, or a name without any, is left out if
// others remain. Throws std::runtime_error with the address and the reason if none remains, and for every
// other reason.
OpenedSockets open_listening_sockets(const std::vector<std::string>& where,
                                     SocketKind kind = SocketKind::control);

// Sockets for data connections at the addresses of `control`, each on every port of `ports`; `any_port`: on
// as many free ones instead. A port that cannot be had is left out. At most `most` in all.
OpenedSockets open_passive_sockets(const std::vector<ListeningSocket>& control, PortRange ports,
                                   bool any_port, std::size_t most);

// Whether `where` leaves the choice of a port to the system.
bool takes_any_port(const std::vector<std::string>& where);

// Whether it serves clients as it did when it was opened. Processes that share it could have changed that:
// shut it down, attached a filter, made it wait, tied it to one peer.
bool is_sound(const ListeningSocket& socket);

// Ends the listening on TCP for every process that has the socket; clients that wait to be accepted are
// reset. Its address is free. That of UDP is free once each process has closed it.
void stop_listening(const ListeningSocket& socket);

// A new socket at the same address in its place. Throws std::runtime_error with the address and the reason;
// then it has none, and is not sound.
void reopen(ListeningSocket& socket);

struct ListeningCheck {
    std::vector<UnusableAddress> problems;
    std::vector<UnusableAddress> left_out; // addresses of names, which may have others
    bool any_usable = false;
};

// The result that open_listening_sockets() would have, without listening. `of_running_server`: the addresses
// that the server has which is about to be replaced: they, and their ports, are no problem.
ListeningCheck check_listening_addresses(const std::vector<std::string>& where,
                                         const std::vector<std::string>& of_running_server,
                                         SocketKind kind = SocketKind::control);

// The same for open_passive_sockets() at the addresses that `where` means: those that cannot be had are left
// out.
ListeningCheck check_passive_ports(const std::vector<std::string>& where, PortRange ports);

} // namespace ftpc::server
