// Accepting connections on the sockets that the supervisor opened.
#pragma once

#include "server/net/reserve_descriptor.hpp"
#include "server/net/services.hpp"
#include "shared/unique_fd.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <string_view>
#include <vector>

namespace ftpc::server {

class Listener {
public:
    // `descriptors`: how many this process may have open.
    Listener(Services& services, std::vector<UniqueFd> sockets, int descriptors);

    // Accepts until stop(). A connection that fails ends alone; nothing that a client does ends the
    // accepting.
    void start();
    void stop();

private:
    boost::asio::awaitable<void> accept(boost::asio::ip::tcp::acceptor& acceptor);
    void serve(boost::asio::ip::tcp::socket socket);
    boost::asio::awaitable<void> turn_away_next(boost::asio::ip::tcp::acceptor& acceptor, error_code failure);
    bool takes_from_sessions(int descriptor) const;
    void turn_out(ConnectionId leaving, std::string_view limit, std::string_view words);

    Services& services_;
    std::vector<boost::asio::ip::tcp::acceptor> acceptors_;
    ReserveDescriptor reserve_;
    int descriptors_;
    ConnectionId last_id_ = 0;
};

} // namespace ftpc::server
