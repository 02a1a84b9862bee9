// The loop of one reactor's thread: ready sockets, timers, and jobs posted by other threads. The coroutines
// of its connections run on it by way of io().
#pragma once

#include "server/event_loop/busy_poll.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
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

    // On the loop's own thread: how long it looks for something to do before it sleeps, as in BusyPoll.
    void set_busy_poll(Clock::duration most) { longest_look_ = most; }

    // From any thread. The loop may be gone as soon as `work` is done.
    void stop();
    template <class Work>
    void post(Work work)
    {
        const auto sleep = sleep_;
        boost::asio::post(io_, std::move(work));
        sleep->end();
    }

    // On the loop's own thread: calls `work` at that time, or soon after.
    void call_at(Clock::time_point time, std::function<void()> work);

    // Runs ready timers, posted jobs and sockets; returns whether there were any. Waits for the first of them
    // if it `may_sleep`.
    bool turn(bool may_sleep);

    // The queue of ready jobs, for the loop's own thread. Use it for nothing else: a timer or a socket of
    // Asio's would not be seen.
    boost::asio::io_context& io() { return io_; }

private:
    friend class WatchedSocket;

    // Puts the thread of the loop to sleep, and lets others wake it up. A poster shares it, since its job may
    // end the loop at once.
    struct Sleep {
        Sleep();
        void end();

        UniqueFd wakes_up; // an eventfd(2), which epoll_ watches
        std::atomic<bool> asleep = false;
    };

    bool run_timers();
    bool run_posted();
    int longest_wait() const;
    bool wait_for_sockets(int milliseconds);

    UniqueFd epoll_;
    std::shared_ptr<Sleep> sleep_ = std::make_shared<Sleep>();
    std::atomic<bool> stopped_ = false;
    BusyPoll busy_poll_;
    Clock::duration longest_look_{};
    std::multimap<Clock::time_point, std::function<void()>> timers_;
    std::unordered_set<WatchedSocket*> sockets_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_{io_.get_executor()};
};

} // namespace ftpc::server
