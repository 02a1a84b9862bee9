#include "server/event_loop/watched_socket.hpp"

#include <boost/asio.hpp>

#include <sys/epoll.h>

namespace ftpc::server {

namespace asio = boost::asio;

error_code WatchedSocket::watch()
{
    if (watched_) return {};
    epoll_event event{};
    event.events = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = this;
    if (::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_ADD, socket_.get(), &event) != 0)
        return last_system_error();
    loop_->sockets_.insert(this);
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
    if (!ends_later_ && is_ready(awaited_)) waiter_.go_on();
}

void WatchedSocket::has_read(std::size_t bytes, std::size_t asked)
{
    if (bytes == 0 || (bytes < asked && !urgent_)) readable_ = ended_;
}

asio::awaitable<WatchedSocket::Result> WatchedSocket::until(Event what, bool at_once)
{
    awaited_ = what;
    const error_code unwatched = watch();
    if (unwatched || at_once || is_ready(what)) end_wait_later(unwatched);
    return waiter_.wait();
}

void WatchedSocket::end_wait_later(error_code result)
{
    ends_later_ = true;
    asio::post(loop_->io(), [this, result] {
        ends_later_ = false;
        waiter_.go_on(std::exchange(cancelled_, false) ? error_code{asio::error::operation_aborted} : result);
    });
}

void WatchedSocket::cancel()
{
    cancelled_ = ends_later_;
    if (!ends_later_) waiter_.cancel(*loop_);
}

void WatchedSocket::close()
{
    if (std::exchange(watched_, false)) loop_->sockets_.erase(this);
    socket_.reset();
}

void WatchedSocket::leave_loop()
{
    if (!std::exchange(watched_, false)) return;
    ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
    loop_->sockets_.erase(this);
}

} // namespace ftpc::server
