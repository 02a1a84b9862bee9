// The addresses that the setting `listen` names, and how its words add up: pure, but for the name service.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace ftpc::server {

struct ListeningAddress {
    std::string given; // the words of the setting: "localhost:2121"
    sockaddr_storage address{};
    socklen_t size = 0;
    bool both_families = false; // [::] that takes IPv4 clients, too
    bool of_name = false;       // one of several that a name has

    std::string text() const; // "127.0.0.1:2121", "[::1]:2121"
    bool is_ipv6_wildcard() const;
    in_port_t port() const; // in network order, as in the address
};

// An address that cannot be listened on, and why: "[::1]:2121", "this machine does not have this address".
struct UnusableAddress {
    std::string address;
    std::string reason;

    std::string words() const { return "cannot listen on " + address + ": " + reason; }
};

struct ListeningPlan {
    std::vector<ListeningAddress> addresses; // one for each socket
    std::vector<UnusableAddress> malformed;
    std::vector<UnusableAddress> unknown; // names without an address
};

// The forms are "ADDRESS:PORT", "[IPV6]:PORT", "NAME:PORT" (each address of the name), and "*:PORT" or
// ":PORT" (all addresses of both families). The address [::] includes those of IPv4 as well, unless one is
// given for the same port. An address that another one includes, or that is given twice, is left out.
ListeningPlan plan_listening(const std::vector<std::string>& where);

// Whether one of them includes the other, so that two sockets of one protocol cannot have both.
bool overlap(const ListeningAddress& one, const ListeningAddress& other);

// 0.0.0.0, with the same port.
ListeningAddress ipv4_wildcard(const ListeningAddress& like);

} // namespace ftpc::server
