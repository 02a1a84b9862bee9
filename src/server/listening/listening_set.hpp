// All sockets on which the server listens.
#pragma once

#include "server/listening/listening_sockets.hpp"

#include <string>
#include <vector>

namespace ftpc::server {

class ListeningSet {
public:
    // Throws std::runtime_error with the address and the reason.
    void open(const std::vector<std::string>& addresses);

    std::vector<int> descriptors() const;
    std::vector<std::string> addresses() const;

    // The addresses of sockets that a process has changed. net shares them, so a taken-over one could do what
    // no filter of system calls keeps from it.
    std::vector<std::string> find_changed() const;

    // Opens those anew. Throws std::runtime_error if an address cannot be had again.
    void mend();

    // Opens all anew, since a process that cannot end holds the old ones. The next start tries again.
    void renew();

    // Nobody listens from here on.
    void stop();

private:
    std::vector<ListeningSocket> sockets_;
};

} // namespace ftpc::server
