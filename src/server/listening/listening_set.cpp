#include "server/listening/listening_set.hpp"

#include "server/log/log.hpp"

#include <exception>
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
        all.push_back(socket.fd.get());
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
        if (!is_sound(socket)) changed.push_back(socket.address);
    return changed;
}

void ListeningSet::mend()
{
    for (ListeningSocket& socket : sockets_)
        if (!is_sound(socket)) reopen(socket);
}

void ListeningSet::renew()
{
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    try {
        mend();
    } catch (const std::exception& error) {
        log_event("not-listening", {{"reason", error.what()}});
    }
}

void ListeningSet::stop()
{
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    sockets_.clear();
}

} // namespace ftpc::server
