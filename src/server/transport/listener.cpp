#include "server/transport/listener.hpp"

#include "server/event_loop/use_awaitable.hpp"
#include "server/ipc/peer_network.hpp"
#include "server/log/log.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>

namespace ftpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr int descriptors_kept_back = 64;
// Connections that have to go and are still there. They go within a turn of their reactor; nobody is let in
// before, so that the bounds are exceeded by these at most. A reactor that hangs does not stop the others.
constexpr std::size_t most_leaving = 16;
constexpr int most_pauses = 100; // of a millisecond
constexpr std::string_view server_is_full = "The server is full; try again later.";

tcp protocol_of(int socket)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4();
}

asio::awaitable<void> pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(use_awaitable);
}

} // namespace

Listener::Listener(asio::io_context& io, Parts parts)
    : io_{io}, service_{std::move(parts.service)}, reactors_{parts.reactors}, admission_{parts.admission},
      log_{parts.log_bounds}, reserve_{parts.any_descriptor}, descriptors_{parts.descriptors}
{
    for (UniqueFd& socket : parts.sockets) {
        const tcp protocol = protocol_of(socket.get());
        acceptors_.emplace_back(io_, protocol, socket.release()).non_blocking(true);
    }
}

void Listener::start()
{
    for (tcp::acceptor& acceptor : acceptors_)
        asio::co_spawn(io_, accept(acceptor), asio::detached);
}

void Listener::stop()
{
    error_code ignored;
    for (tcp::acceptor& acceptor : acceptors_)
        acceptor.close(ignored);
}

asio::awaitable<void> Listener::accept(tcp::acceptor& acceptor)
{
    while (acceptor.is_open()) {
        const auto [closed] = co_await acceptor.async_wait(tcp::acceptor::wait_read, use_awaitable);
        if (closed) break;
        for (int pauses = 0; admission_.leaving() >= most_leaving && pauses < most_pauses; ++pauses)
            co_await pause(std::chrono::milliseconds{1});
        if (!acceptor.is_open()) break;
        const error_code failure = accept_one(acceptor);
        if (failure == asio::error::invalid_argument) break; // it listens no more: the server is ending
        const bool nobody = failure == asio::error::would_block || failure == asio::error::connection_aborted;
        if (failure && !nobody) co_await turn_away_next(acceptor, failure);
    }
}

error_code Listener::accept_one(tcp::acceptor& acceptor)
{
    tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    UniqueFd socket{::accept4(acceptor.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!socket) return last_system_error();
    serve(reactors_.least_busy(), std::move(socket), address_of(*peer.data()));
    return {};
}

// No descriptors, or no memory. The client that comes now is told so, and an unauthenticated one makes room
// for the next.
asio::awaitable<void> Listener::turn_away_next(tcp::acceptor& acceptor, error_code failure)
{
    const auto outcome = reserve_.turn_away_next(acceptor.native_handle(), service_.server_is_full);
    if (outcome == ReserveDescriptor::Outcome::nobody_waits) {
        co_await acceptor.async_wait(tcp::acceptor::wait_read, use_awaitable);
        co_return;
    }
    log_.trouble(EventLog::Trouble::no_descriptors, "accept-failed", {{"error", failure.message()}});
    if (const auto leaves = admission_.make_room()) turn_out({leaves, "descriptors", server_is_full});
    if (outcome == ReserveDescriptor::Outcome::failed) co_await pause(std::chrono::milliseconds{200});
}

void Listener::serve(Reactor& reactor, UniqueFd socket, const ipc::PeerAddress& peer)
{
    const ConnectionId id = reactors_.next_id();
    try {
        const int descriptor = socket.get();
        auto connection = service_.connect(reactor, std::move(socket), peer, id);
        const Leaving leaving = who_leaves(admission_.arrive(id, network_of(peer)), descriptor);
        const bool newcomer_leaves = leaving.id == id;
        if (newcomer_leaves) leaving.turn_out(*connection, log_);
        if (leaving.id && !newcomer_leaves) turn_out(leaving);
        reactor.serve(std::move(connection), id);
    } catch (const std::exception& error) { // no memory for one more
        admission_.leave(id);
        log_.trouble(EventLog::Trouble::no_descriptors, "accept-failed", {{"error", error.what()}});
    }
}

Listener::Leaving Listener::who_leaves(const Admission::Arrival& arrival, int descriptor)
{
    if (arrival.leaves) {
        const bool per_address = arrival.bound == Bound::connections_per_address;
        return {arrival.leaves, setting_name(arrival.bound),
                per_address ? "Too many connections from your address; try again later."
                            : "Too many connections; try again later."};
    }
    // protection: descriptors
    if (takes_from_sessions(descriptor)) return {admission_.make_room(), "descriptors", server_is_full};
    return {};
}

// The kernel gives the lowest free number, so that of a new connection tells how many are in use. The last
// ones are kept for directories of logged-in users: unauthenticated clients may hold as many as they leave.
bool Listener::takes_from_sessions(int descriptor) const
{
    const int left = descriptors_ - descriptor;
    if (left > std::min(descriptors_kept_back, descriptors_ / 4)) return false;
    return admission_.unauthenticated() > static_cast<std::size_t>(left / 2);
}

void Listener::Leaving::turn_out(ServedConnection& connection, EventLog& log) const
{
    log.trouble(EventLog::Trouble::no_room, "limit-hit",
                {{"limit", limit}, {"peer", address_text(connection.peer())}});
    connection.end_at_once(words);
}

// If it is gone already, there is room.
void Listener::turn_out(const Leaving& leaving)
{
    reactors_.on_each([leaving](Reactor& reactor) {
        const auto found = reactor.served().find(*leaving.id);
        if (found != reactor.served().end()) leaving.turn_out(*found->second, reactor.log());
    });
}

} // namespace ftpc::server
