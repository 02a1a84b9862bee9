// The loop of one reactor's thread: sockets that are ready, timers, and what other threads post. The
// coroutines of its connections run on it by way of io().
#pragma once

#include "server/transport/busy_poll.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <unordered_set>
#include <utility>

namespace ftpc::server {

class WatchedSocket;

class EventLoop {
public:
    using Clock = std::chrono::steady_clock;

    // Throws boost::system::system_error without descriptors.
    EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    // Coroutines that wait for a socket are taken apart. Those that wait for another thread are not: all
    // connections have to have ended, or the process ends with them.
    ~EventLoop();

    // Until stop().
    void run();

    // On the loop's own thread: how long it looks for something to do before it sleeps, as of BusyPoll.
    void set_busy_poll(Clock::duration most) { longest_look_ = most; }

    // From any thread.
    void stop();
    template <class Work>
    void post(Work work)
    {
        boost::asio::post(io_, std::move(work));
        wake_up();
    }

    // On the loop's own thread: calls `work` at that time, or soon after.
    void call_at(Clock::time_point time, std::function<void()> work);

    // What can go on now: timers, what was posted, and sockets; whether there was any. Waits for the first of
    // them if it `may_sleep`.
    bool turn(bool may_sleep);

    // The queue of what can go on now, for the loop's own thread. It is asked for nothing else: a timer or a
    // socket of Asio's would not be seen.
    boost::asio::io_context& io() { return io_; }

private:
    friend class WatchedSocket;

    void wake_up();
    bool run_timers();
    bool run_posted();
    int longest_wait() const;
    bool wait_for_sockets(int milliseconds);

    UniqueFd epoll_;
    UniqueFd wakes_up_; // an eventfd(2), which epoll_ watches
    std::atomic<bool> asleep_ = false;
    std::atomic<bool> stopped_ = false;
    BusyPoll busy_poll_;
    Clock::duration longest_look_{};
    std::multimap<Clock::time_point, std::function<void()>> timers_;
    std::unordered_set<WatchedSocket*> sockets_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_{io_.get_executor()};
};

} // namespace ftpc::server
