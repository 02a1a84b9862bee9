#include "server/passive/passive_ports.hpp"

#include "server/event_loop/use_awaitable.hpp"
#include "server/ipc/peer_network.hpp"
#include "server/log/log_throttle.hpp"
#include "shared/base/error.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr int most_earlier = 64; // connections that are accepted before a port is reserved
constexpr std::chrono::milliseconds pause_without_descriptors{100};

tcp::endpoint own_endpoint(int socket)
{
    tcp::endpoint own;
    auto size = static_cast<socklen_t>(own.capacity());
    ::getsockname(socket, own.data(), &size);
    own.resize(size);
    return own;
}

// The client sees a reset instead of a connection that nobody serves.
void reset(const UniqueFd& socket)
{
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

} // namespace

PassivePorts::Port::Port(asio::io_context& io, UniqueFd socket)
    : descriptor{socket.get()}, address{own_endpoint(descriptor).address()},
      number{own_endpoint(descriptor).port()}, acceptor{io, own_endpoint(descriptor).protocol(),
                                                        socket.release()}
{
    acceptor.non_blocking(true);
}

PassivePorts::PassivePorts(asio::io_context& io, std::vector<UniqueFd> sockets, LogBounds& log_bounds)
    : io_{io}, log_bounds_{log_bounds}
{
    for (UniqueFd& socket : sockets)
        ports_.push_back(std::make_unique<Port>(io_, std::move(socket)));
}

void PassivePorts::start()
{
    for (std::size_t i = 0; i < ports_.size(); ++i)
        asio::co_spawn(io_, accept(i), asio::detached);
}

void PassivePorts::stop()
{
    stopped_ = true;
    error_code ignored;
    for (const auto& port : ports_)
        port->acceptor.cancel(ignored);
}

asio::awaitable<void> PassivePorts::accept(std::size_t index)
{
    asio::steady_timer timer{io_};
    while (!stopped_) {
        const auto [ended] =
            co_await ports_[index]->acceptor.async_wait(tcp::acceptor::wait_read, use_awaitable);
        if (ended || stopped_) break;
        const error_code failure = accept_one(index);
        if (failure == asio::error::invalid_argument) break; // it listens no more: the server is ending
        if (!failure || failure == asio::error::would_block || failure == asio::error::connection_aborted)
            continue;
        log(LogBounds::Trouble::no_descriptors, "accept-failed", {{"error", failure.message()}});
        timer.expires_after(pause_without_descriptors);
        co_await timer.async_wait(use_awaitable);
    }
}

error_code PassivePorts::accept_one(std::size_t index)
{
    Port& port = *ports_[index];
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    const std::scoped_lock lock{port.accepting};
    UniqueFd socket{::accept4(port.descriptor, peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return last_system_error();
    const ipc::PeerAddress from = address_of(*peer.data());
    const UniqueFd unexpected = reservations_.hand_over(index, from, std::move(socket));
    if (!unexpected) return {};
    reset(unexpected);
    log(LogBounds::Trouble::unexpected_connection, "unexpected-data-connection",
        {{"peer", address_text(from)}, {"port", std::uint64_t{port.number}}});
    return {};
}

Result<Reservation> PassivePorts::reserve(const ipc::PeerAddress& local, const ipc::PeerAddress& peer,
                                          Reservations::OnConnected on_connected)
{
    const std::vector<std::size_t> there = ports_at(local);
    if (there.empty()) return Errc::no_data_ports;
    return reservations_.reserve(there, peer, std::move(on_connected),
                                 [this](std::size_t index) { accept_earlier(index); });
}

// A client that was refused may have connected already; that connection must not serve its next command.
void PassivePorts::accept_earlier(std::size_t index)
{
    // protection: earlier-connection
    for (int i = 0; i < most_earlier; ++i) {
        const error_code failure = accept_one(index);
        if (failure && failure != asio::error::connection_aborted) break;
    }
}

// From any thread.
void PassivePorts::log(LogBounds::Trouble kind, std::string_view event,
                       std::initializer_list<LogField> fields)
{
    if (const auto withheld = log_bounds_.pass(kind)) log_after(*withheld, event, fields);
}

// The wildcard of IPv6 takes IPv4 clients if IPv4 has no ports of its own.
std::vector<std::size_t> PassivePorts::ports_at(const ipc::PeerAddress& local) const
{
    const bool ipv4 = ipv4_of(local).has_value();
    std::vector<std::size_t> own;
    std::vector<std::size_t> of_both_families;
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        const asio::ip::address& address = ports_[i]->address;
        const bool reached = address.is_unspecified()
                                 ? address.is_v4() == ipv4
                                 : address_of(*tcp::endpoint{address, 0}.data()) == local;
        if (reached)
            own.push_back(i);
        else if (address.is_unspecified() && address.is_v6())
            of_both_families.push_back(i);
    }
    return own.empty() ? of_both_families : own;
}

} // namespace ftpc::server
