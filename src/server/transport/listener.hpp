// Accepting the connections of one service on the sockets that the supervisor opened, and giving them to the
// reactors.
#pragma once

#include "server/transport/reserve_descriptor.hpp"
#include "server/transport/service.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace ftpc::server {

class Listener {
public:
    // The objects that it works with; all but the first two must outlive it.
    struct Parts {
        Service service;
        std::vector<UniqueFd> sockets;
        Reactors& reactors;
        Admission& admission;
        LogBounds& log_bounds;
        int any_descriptor; // as in ReserveDescriptor
        int descriptors;    // how many this process may have open
    };
    Listener(boost::asio::io_context& io, Parts parts);

    // Accepts until stop(). A connection that fails ends alone; nothing that a client does ends the
    // accepting.
    void start();
    void stop();

private:
    boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor& acceptor);
    error_code accept_one(boost::asio::ip::tcp::acceptor& acceptor);
    void serve(Reactor& reactor, UniqueFd socket, const ipc::PeerAddress& peer);
    boost::asio::awaitable<void> turn_away_next(boost::asio::ip::tcp::acceptor& acceptor, error_code failure);
    bool takes_from_sessions(int descriptor) const;
    // The connection that makes room for a newcomer, perhaps the newcomer itself; the reason, and its reply.
    struct Leaving {
        std::optional<ConnectionId> id;
        std::string_view limit;
        std::string_view words;
        void turn_out(ServedConnection& connection, EventLog& log) const;
    };
    Leaving who_leaves(const Admission::Arrival& arrival, int descriptor);
    void turn_out(const Leaving& leaving);

    boost::asio::io_context& io_;
    Service service_;
    Reactors& reactors_;
    Admission& admission_;
    EventLog log_;
    std::vector<boost::asio::ip::tcp::acceptor> acceptors_;
    ReserveDescriptor reserve_;
    int descriptors_;
};

} // namespace ftpc::server
