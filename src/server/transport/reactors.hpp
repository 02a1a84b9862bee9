// The threads that serve connections. Each has an event loop of its own and the connections that it was
// given; nothing of a connection is touched from another thread.
#pragma once

#include "server/event_loop/event_loop.hpp"
#include "server/log/event_log.hpp"
#include "server/transport/counted.hpp"
#include "server/transport/served_connection.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

namespace ftpc::server {

class Reactor {
public:
    // `index`: which of the reactors it is, from 0.
    Reactor(std::size_t index, Admission& admission, LogBounds& log_bounds);
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    // Waits for its thread to end.
    ~Reactor();

    std::size_t index() const { return index_; }
    std::size_t connections() const { return connections_; }

    // From any thread: serves the connection until it ends. Its place in `admission` is free again when it is
    // gone.
    void serve(std::unique_ptr<ServedConnection> connection, ConnectionId id);

    // From any thread: does `work` on the reactor's own, behind earlier jobs.
    template <class Work>
    void post(Work work)
    {
        loop_.post(std::move(work));
    }

    // Ends the loop at any time. False: its thread does not respond within a second.
    bool stop();

    // ---- on the reactor's own thread, and for objects made for it

    EventLoop& loop() { return loop_; }
    EventLog& log() { return log_; }
    using Served = std::unordered_map<ConnectionId, ServedConnection*>;
    const Served& served() const { return served_; }

private:
    struct Place;
    boost::asio::awaitable<void> run_connection(std::unique_ptr<ServedConnection> connection, ConnectionId id,
                                                Counted count);
    void run();
    void watch_deadlines();

    std::size_t index_;
    Admission& admission_;
    std::atomic<std::size_t> connections_ = 0; // before the loop, whose objects count here
    Served served_;                            // those of them that have begun
    EventLoop loop_;
    EventLog log_;
    std::promise<void> ended_;
    std::thread thread_;
};

class Reactors {
public:
    // `number`: 1 or more; fewer, with an event, if there can be no more threads. Throws std::exception if
    // there can be none.
    Reactors(std::size_t number, Admission& admission, LogBounds& log_bounds);

    // Does `work(reactor)` on the thread of each reactor, behind earlier jobs.
    template <class Work>
    void on_each(const Work& work)
    {
        for (const auto& reactor : reactors_)
            reactor->post([work, &reactor = *reactor] { work(reactor); });
    }

    // The one with the fewest connections.
    Reactor& least_busy();

    // The sum over all reactors.
    std::size_t connections() const;

    // For the next connection. From any thread.
    ConnectionId next_id() { return ++last_id_; }

    // As Reactor::stop, of all.
    bool stop();

private:
    std::vector<std::unique_ptr<Reactor>> reactors_;
    std::size_t last_ = 0; // the next one, if several have as few
    std::atomic<ConnectionId> last_id_ = 0;
};

// Ends all overdue connections of one reactor. Each reactor does it once a second.
void end_those_overdue(const Reactor& reactor);

} // namespace ftpc::server
