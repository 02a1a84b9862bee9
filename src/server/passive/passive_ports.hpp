// The ports on which data connections are accepted (RFC 959 §4.1.2 PASV, RFC 2428). The supervisor opened
// them.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/log/event_log.hpp"
#include "server/log/log.hpp"
#include "server/passive/reservations.hpp"
#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace ftpc::server {

class PassivePorts {
public:
    PassivePorts(boost::asio::io_context& io, std::vector<UniqueFd> sockets, LogBounds& log_bounds);

    // Accepts until stop(). A connection that nobody expects is reset, with a line in the log now and then.
    void start();
    void stop();

    // A port at `local`, the address that the client is connected to, for a connection from `peer`. Fails as
    // Reservations::reserve, and with Errc::no_data_ports. From any thread.
    Result<Reservation> reserve(const ipc::PeerAddress& local, const ipc::PeerAddress& peer,
                                Reservations::OnConnected on_connected);

    // The number of the port in TCP.
    std::uint16_t number_of(const Reservation& reservation) const
    {
        return ports_.at(reservation.port())->number;
    }

private:
    struct Port {
        Port(boost::asio::io_context& io, UniqueFd socket);

        int descriptor;
        boost::asio::ip::address address; // at which it is bound
        std::uint16_t number;
        boost::asio::ip::tcp::acceptor acceptor; // for waiting alone
        std::mutex accepting;                    // until a connection is handed over
    };
    boost::asio::awaitable<void> accept(std::size_t index);
    error_code accept_one(std::size_t index);
    void accept_earlier(std::size_t index);
    void log(LogBounds::Trouble kind, std::string_view event, std::initializer_list<LogField> fields);
    std::vector<std::size_t> ports_at(const ipc::PeerAddress& local) const;

    boost::asio::io_context& io_;
    LogBounds& log_bounds_;
    std::atomic<bool> stopped_ = false;
    std::vector<std::unique_ptr<Port>> ports_; // closed only at the end: reactors use them
    Reservations reservations_;
};

} // namespace ftpc::server
