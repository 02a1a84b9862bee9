#include "benchmark/event_loop.hpp"

#include <sys/epoll.h>

#include <array>
#include <stdexcept>
#include <system_error>

namespace ftpc::benchmark {

EventLoop::EventLoop() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {}

void EventLoop::watch(FtpSession& session, int operation)
{
    epoll_event event{};
    event.events = session.wants_write() ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &session;
    if (::epoll_ctl(epoll_.get(), operation, session.descriptor(), &event) != 0)
        throw std::system_error{errno, std::system_category(), "epoll_ctl"};
}

void EventLoop::add(FtpSession& session)
{
    watch(session, EPOLL_CTL_ADD);
}

void EventLoop::round(int milliseconds)
{
    std::array<epoll_event, 256> ready;
    const int count = ::epoll_wait(epoll_.get(), ready.data(), ready.size(), milliseconds);
    for (int i = 0; i < count; ++i) {
        auto& session = *static_cast<FtpSession*>(ready[static_cast<std::size_t>(i)].data.ptr);
        const bool wanted = session.wants_write();
        session.advance();
        if (session.wants_write() != wanted) watch(session, EPOLL_CTL_MOD);
    }
}

void EventLoop::flush(FtpSession& session)
{
    const bool wanted = session.wants_write();
    session.flush();
    if (session.wants_write() != wanted) watch(session, EPOLL_CTL_MOD);
}

void SessionPool::open(std::size_t count, std::size_t at_once)
{
    FtpSession::Owner& self = *this;
    const auto wanted = sessions_.size() + count;
    while (ready_ < wanted) {
        while (sessions_.size() < wanted && sessions_.size() - ready_ < at_once) {
            sessions_.push_back(
                std::make_unique<FtpSession>(target_, context_, credentials_, self, sessions_.size()));
            loop_.add(*sessions_.back());
        }
        loop_.round(1000);
    }
}

} // namespace ftpc::benchmark
