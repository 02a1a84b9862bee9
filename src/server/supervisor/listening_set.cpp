#include "server/supervisor/listening_set.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

void ListeningSet::open(const std::vector<std::string>& addresses)
{
    for (const std::string& address : addresses)
        for (ListeningSocket& socket : open_listening_sockets(address))
            sockets_.push_back(std::move(socket));
    if (sockets_.size() >= ipc::max_passed_descriptors)
        throw std::runtime_error{"too many addresses to listen on"};
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
