// All sockets on which one process of the server listens.
#pragma once

#include "server/listening/listening_sockets.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

class ListeningSet {
public:
    // Those for control connections at `addresses`, and those for data connections on `passive_ports`. Throws
    // std::runtime_error with the address and the reason if there are none of the first kind.
    void open(const std::vector<std::string>& addresses, PortRange passive_ports);

    // Those for NTP at `ntp`, and those for the text service at `text`, over UDP. Throws std::runtime_error
    // if one of them names addresses of which none can be had.
    void open_for_time(const std::vector<std::string>& ntp, const std::vector<std::string>& text);

    // Of all sockets, those for control connections, or for NTP, first.
    std::vector<int> descriptors() const;
    // How many of these are for control connections, or for NTP.
    std::size_t first_sockets() const;
    std::vector<std::string> addresses(SocketKind kind) const;

    // The addresses of sockets that a process has changed. net and time share them, so a taken-over one could
    // do what no filter of system calls keeps from it.
    std::vector<std::string> find_changed() const;

    // Opens those anew. Throws std::runtime_error if an address cannot be had again.
    void mend();

    // Opens all anew, since a process that cannot end holds the old ones. The next start tries again.
    void renew();

    // Nobody listens from here on.
    void stop();

private:
    void add(const std::vector<std::string>& addresses, SocketKind kind);

    std::vector<ListeningSocket> sockets_;
};

} // namespace ftpc::server
