#include "server/listening/listening_set.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

namespace ftpc::server {

namespace {

void log_left_out(const std::vector<UnusableAddress>& left_out)
{
    for (const UnusableAddress& address : left_out)
        log_event("not-listening", {{"address", address.address}, {"reason", address.reason}});
}

} // namespace

void ListeningSet::open(const std::vector<std::string>& addresses, PortRange passive_ports)
{
    OpenedSockets opened = open_listening_sockets(addresses);
    const std::size_t room = ipc::max_passed_descriptors - 1 - opened.sockets.size();
    OpenedSockets passive =
        open_passive_sockets(opened.sockets, passive_ports, takes_any_port(addresses), room);
    log_left_out(opened.left_out);
    log_left_out(passive.left_out);
    if (passive.sockets.empty())
        log_event("no-passive-ports", {{"effect", "clients cannot list directories"}});
    sockets_ = std::move(opened.sockets);
    std::move(passive.sockets.begin(), passive.sockets.end(), std::back_inserter(sockets_));
}

void ListeningSet::open_for_time(const std::vector<std::string>& ntp, const std::vector<std::string>& text)
{
    if (!ntp.empty()) add(ntp, SocketKind::ntp);
    if (!text.empty()) add(text, SocketKind::time_text);
}

void ListeningSet::add(const std::vector<std::string>& addresses, SocketKind kind)
{
    OpenedSockets opened = open_listening_sockets(addresses, kind);
    log_left_out(opened.left_out);
    std::move(opened.sockets.begin(), opened.sockets.end(), std::back_inserter(sockets_));
}

std::vector<int> ListeningSet::descriptors() const
{
    std::vector<int> all;
    for (const ListeningSocket& socket : sockets_)
        if (socket.fd) all.push_back(socket.fd.get());
    return all;
}

std::size_t ListeningSet::first_sockets() const
{
    return static_cast<std::size_t>(
        std::count_if(sockets_.begin(), sockets_.end(), [](const ListeningSocket& socket) {
            return socket.fd && (socket.kind == SocketKind::control || socket.kind == SocketKind::ntp);
        }));
}

std::vector<std::string> ListeningSet::addresses(SocketKind kind) const
{
    std::vector<std::string> all;
    for (const ListeningSocket& socket : sockets_)
        if (socket.kind == kind) all.push_back(socket.address);
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
            listens = listens || socket.kind != SocketKind::data;
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
