#include "server/event_loop/event_loop.hpp"

#include "server/event_loop/watched_socket.hpp"

#include <boost/asio.hpp>

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

namespace ftpc::server {

namespace {

constexpr int most_events = 128; // of one look at the sockets
// Posted work of one turn. None is begun after so long, since one may be a whole turn of a connection, and
// those that flood post themselves again and again.
constexpr int most_posted = 8;
constexpr std::chrono::microseconds posted_time{500};

UniqueFd opened(int descriptor, const char* call)
{
    if (descriptor < 0) throw boost::system::system_error{last_system_error(), call};
    return UniqueFd{descriptor};
}

} // namespace

EventLoop::Sleep::Sleep() : wakes_up{opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {}

void EventLoop::Sleep::end()
{
    if (asleep.exchange(false)) ::eventfd_write(wakes_up.get(), 1);
}

EventLoop::EventLoop() : epoll_{opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}
{
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET; // never read: each write to it is a change
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, sleep_->wakes_up.get(), &event) != 0)
        throw boost::system::system_error{last_system_error(), "epoll_ctl"};
}

EventLoop::~EventLoop()
{
    for (WatchedSocket* const socket : sockets_)
        socket->waiter_.abandon(); // io_ takes the coroutine apart, later
}

void EventLoop::run()
{
    while (!stopped_)
        turn(true);
}

bool EventLoop::turn(bool may_sleep)
{
    sleep_->asleep = true; // later posters wake the loop up
    const bool timers = run_timers();
    const bool posted = run_posted();
    const bool idle = !timers && !posted && may_sleep;
    const bool looks_again = idle && busy_poll_.looks_again(longest_look_, Clock::now());
    const bool sockets = wait_for_sockets(idle && !looks_again ? longest_wait() : 0);
    if (timers || posted || sockets)
        busy_poll_.worked(Clock::now());
    else if (looks_again)
        ::sched_yield(); // the client that is waited for may need this very processor
    return timers || posted || sockets;
}

void EventLoop::stop()
{
    stopped_ = true;
    post([] {});
}

void EventLoop::call_at(Clock::time_point time, std::function<void()> work)
{
    timers_.emplace(time, std::move(work));
}

bool EventLoop::run_timers()
{
    if (timers_.empty()) return false;
    const auto now = Clock::now();
    bool any = false;
    while (!timers_.empty() && timers_.begin()->first <= now) {
        auto due = timers_.extract(timers_.begin());
        due.mapped()();
        any = true;
    }
    return any;
}

bool EventLoop::run_posted()
{
    if (io_.poll_one() == 0) return false;
    const auto end = Clock::now() + posted_time;
    // protection: turns
    for (int done = 1; done < most_posted && Clock::now() < end && io_.poll_one() > 0; ++done) {
    }
    return true;
}

// In milliseconds, as epoll_wait(2) has it; a timer is never looked at too soon.
int EventLoop::longest_wait() const
{
    if (timers_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
    constexpr std::chrono::milliseconds::rep most = std::numeric_limits<int>::max();
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, most));
}

bool EventLoop::wait_for_sockets(int milliseconds)
{
    std::array<epoll_event, most_events> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), most_events, milliseconds);
    sleep_->asleep = false;
    if (count <= 0) return false;
    for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(count))) {
        auto* const socket = static_cast<WatchedSocket*>(event.data.ptr);
        // A coroutine that an earlier event resumed may have closed this one.
        if (sockets_.contains(socket)) socket->happened(event.events);
    }
    return true;
}

} // namespace ftpc::server
