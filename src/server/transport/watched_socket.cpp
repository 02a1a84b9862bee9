#include "server/transport/watched_socket.hpp"

#include <boost/asio.hpp>

#include <sys/epoll.h>

#include <array>
#include <span>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);

namespace {

constexpr int most_events = 128; // of one poll()

} // namespace

// ---- all of a reactor

SocketPoller::SocketPoller(asio::io_context& io) : io_{io}, epoll_{::epoll_create1(EPOLL_CLOEXEC)}
{
    if (!epoll_) throw boost::system::system_error{last_system_error(), "epoll_create1"};
}

std::size_t SocketPoller::poll()
{
    std::array<epoll_event, most_events> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), most_events, 0);
    // A coroutine that is resumed ends no other connection at once, so that what later events point to stays.
    if (count <= 0) return 0;
    const auto happened = std::span{events}.first(static_cast<std::size_t>(count));
    for (const epoll_event& event : happened)
        static_cast<WatchedSocket*>(event.data.ptr)->happened(event.events);
    return happened.size();
}

void SocketPoller::abandon()
{
    for (WatchedSocket* const socket : sockets_)
        socket->waiting_.reset(); // `io` takes the coroutine apart, later
}

// ---- one

template <class Handler>
struct WatchedSocket::WaitingHandler final : Waiting {
    explicit WaitingHandler(Handler waiting) : handler{std::move(waiting)} {}
    void resume(error_code result) override { handler(result); }
    Handler handler;
};

error_code WatchedSocket::watch()
{
    if (watched_) return {};
    epoll_event event{};
    event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = this;
    if (::epoll_ctl(poller_.epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0)
        return last_system_error();
    poller_.sockets_.insert(this);
    watched_ = true;
    return {};
}

void WatchedSocket::happened(std::uint32_t events)
{
    constexpr std::uint32_t end = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    if ((events & end) != 0) ended_ = true;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) reset_ = true;
    if ((events & EPOLLPRI) != 0) urgent_ = true;
    if ((events & (EPOLLIN | end)) != 0) readable_ = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable_ = true;
    if (waiting_ && !looks_later_ && is_ready(awaited_)) look();
}

void WatchedSocket::has_read(std::size_t bytes, std::size_t asked)
{
    if (bytes == 0 || (bytes < asked && !urgent_)) readable_ = ended_;
}

// ---- waiting

asio::awaitable<WatchedSocket::Result> WatchedSocket::until(Event what)
{
    return wait(what, nullptr, false);
}

asio::awaitable<WatchedSocket::Result> WatchedSocket::while_read_by(SocketReader& reader, bool at_once)
{
    return wait(Event::readable, &reader, at_once);
}

asio::awaitable<WatchedSocket::Result> WatchedSocket::wait(Event what, SocketReader* reader, bool at_once)
{
    return asio::async_initiate<const decltype(use_awaitable), void(error_code)>(
        [this, what, reader, at_once](auto handler) {
            awaited_ = what;
            reader_ = reader;
            waiting_ = std::make_unique<WaitingHandler<decltype(handler)>>(std::move(handler));
            const error_code unwatched = watch();
            if (unwatched || at_once || is_ready(what)) look_later(unwatched);
        },
        use_awaitable);
}

void WatchedSocket::look_later(error_code failure)
{
    looks_later_ = true;
    asio::post(poller_.io_, [this, failure] {
        looks_later_ = false;
        if (std::exchange(cancelled_, false)) return end_wait(asio::error::operation_aborted);
        if (failure) return end_wait(failure);
        look();
    });
}

// What is awaited may be there.
void WatchedSocket::look()
{
    if (reader_ != nullptr && reader_->on_readable()) return;
    if (waiting_) end_wait({}); // else the reader has cancelled the wait
}

void WatchedSocket::end_wait(error_code result)
{
    const auto waiting = std::exchange(waiting_, nullptr);
    waiting->resume(result); // this may be gone now
}

// Not at once: who cancels may be going through all connections.
void WatchedSocket::cancel()
{
    cancelled_ = looks_later_;
    if (looks_later_ || !waiting_) return;
    asio::post(poller_.io_,
               [waiting = std::move(waiting_)] { waiting->resume(asio::error::operation_aborted); });
}

void WatchedSocket::close()
{
    if (watched_) poller_.sockets_.erase(this);
    watched_ = false;
    socket_.reset();
}

} // namespace ftpc::server
