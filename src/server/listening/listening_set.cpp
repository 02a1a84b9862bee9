#include "server/listening/listening_set.hpp"

#include "server/log/log.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace ftpc::server {

void ListeningSet::open(const std::vector<std::string>& addresses)
{
    OpenedSockets opened = open_listening_sockets(addresses);
    for (const UnusableAddress& address : opened.left_out)
        log_event("not-listening", {{"address", address.address}, {"reason", address.reason}});
    sockets_ = std::move(opened.sockets);
}

std::vector<int> ListeningSet::descriptors() const
{
    std::vector<int> all;
    for (const ListeningSocket& socket : sockets_)
        if (socket.fd) all.push_back(socket.fd.get());
    return all;
}

std::vector<std::string> ListeningSet::addresses() const
{
    std::vector<std::string> all;
    for (const ListeningSocket& socket : sockets_)
        all.push_back(socket.address);
    return all;
}

std::vector<std::string> ListeningSet::find_changed() const
{
    std::vector<std::string> changed;
    for (const ListeningSocket& socket : sockets_)
        if (socket.fd && !is_sound(socket)) changed.push_back(socket.address);
    return changed;
}

void ListeningSet::mend()
{
    std::string reason;
    bool listens = false;
    for (ListeningSocket& socket : sockets_) {
        try {
            if (!is_sound(socket)) reopen(socket);
            listens = true;
        } catch (const std::exception& error) { // the others must not wait for it
            socket.fd.reset();
            reason = error.what();
            log_event("not-listening", {{"address", socket.address}, {"reason", reason}});
        }
    }
    if (!listens) throw std::runtime_error{reason};
}

void ListeningSet::renew()
{
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    try {
        mend();
    } catch (const std::exception&) { // was logged; the next start of net tries again
    }
}

void ListeningSet::stop()
{
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    sockets_.clear();
}

} // namespace ftpc::server
