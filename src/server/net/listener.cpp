#include "server/net/listener.hpp"

#include "server/log.hpp"
#include "server/net/connection.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

namespace ftpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);

namespace {

tcp protocol_of(int socket)
{
    int family = 0;
    socklen_t size = sizeof family;
    ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &size);
    return family == AF_INET6 ? tcp::v6() : tcp::v4();
}

asio::awaitable<void> pause(std::chrono::milliseconds time)
{
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(use_awaitable);
}

asio::awaitable<void> serve_connection(Services& services, tcp::socket socket, tcp::endpoint peer)
{
    // Made here so that it lives in the coroutine and goes with it.
    Connection connection{services, std::move(socket), peer};
    co_await connection.run();
}

void report_end(const std::exception_ptr& failure)
{
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        log_event("connection-failed", {{"error", error.what()}});
    }
}

} // namespace

Listener::Listener(Services& services, std::vector<UniqueFd> sockets) : services_{services}
{
    for (UniqueFd& socket : sockets) {
        const tcp protocol = protocol_of(socket.get());
        acceptors_.emplace_back(services_.io, protocol, socket.release());
    }
}

void Listener::start()
{
    for (tcp::acceptor& acceptor : acceptors_)
        asio::co_spawn(services_.io, accept(acceptor), asio::detached);
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
        auto [failure, socket] = co_await acceptor.async_accept(use_awaitable);
        if (failure == asio::error::operation_aborted) break;
        if (!failure) {
            serve(std::move(socket));
        } else if (failure != asio::error::connection_aborted) {
            // No descriptors or no memory: they come back when connections end.
            log_event("accept-failed", {{"error", failure.message()}});
            co_await pause(std::chrono::milliseconds{200});
        }
    }
}

void Listener::serve(tcp::socket socket)
{
    error_code failure;
    const tcp::endpoint peer = socket.remote_endpoint(failure);
    if (failure) return; // gone already
    if (services_.connections.size() >= services_.settings.max_connections) {
        constexpr std::string_view busy = "421 Too many connections; try again later.\r\n";
        ::send(socket.native_handle(), busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    asio::co_spawn(services_.io, serve_connection(services_, std::move(socket), peer), report_end);
}

} // namespace ftpc::server
