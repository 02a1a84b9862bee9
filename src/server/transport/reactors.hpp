// The threads that serve connections. Each has an event loop of its own and the connections that it was
// given; nothing of a connection is touched from another thread. If there is one for each processor, each
// stays on its own. Connections then move to the reactor on whose processor their packets arrive.
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
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace ftpc::server {

class Reactors;

class Reactor {
public:
    // `index`: its number among `all`, from 0. `processor`: on which it stays; -1 for any.
    Reactor(std::size_t index, int processor, Reactors& all, Admission& admission, LogBounds& log_bounds);
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

    // The other reactor that stays on that processor; null if there is none, or if it has some more
    // connections than this one.
    Reactor* on_processor(int processor) const;

    using Served = std::unordered_map<ConnectionId, ServedConnection*>;
    const Served& served() const { return served_; }

private:
    friend class Reactors;

    struct Place;
    boost::asio::awaitable<void> run_connection(std::unique_ptr<Place> place);
    void run();
    void watch_deadlines();

    std::size_t index_;
    int processor_;
    Reactors& all_;
    std::uint64_t heard_ = 0; // of Reactors::told_, on the reactor's own thread
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
    Reactors(const Reactors&) = delete;
    Reactors& operator=(const Reactors&) = delete;
    ~Reactors();

    // Does `work(reactor)` on the thread of each reactor, behind earlier jobs. It finds each
    // connection at exactly one of them.
    template <class Work>
    void on_each(const Work& work)
    {
        const std::scoped_lock lock{moving_};
        ++told_;
        for (const auto& reactor : reactors_)
            reactor->post([work, &reactor = *reactor, told = told_] {
                reactor.heard_ = told;
                work(reactor);
            });
    }

    // The one with the fewest connections.
    Reactor& least_busy();

    // On the thread of `from`: the connection goes on at `to`. False if `from` has yet to do what on_each()
    // gave it: that would find the connection at neither.
    bool move(std::unique_ptr<ServedConnection>& connection, ConnectionId id, const Reactor& from,
              Reactor& to);

    // The sum over all reactors.
    std::size_t connections() const;

    // For the next connection. From any thread.
    ConnectionId next_id() { return ++last_id_; }

    // As Reactor::stop, of all.
    bool stop();

private:
    friend class Reactor;

    std::vector<std::unique_ptr<Reactor>> reactors_;
    std::mutex moving_;
    std::uint64_t told_ = 0; // the number of calls of on_each()
    std::size_t last_ = 0;   // the next one, if several have as few
    std::atomic<ConnectionId> last_id_ = 0;
};

// Ends all overdue connections of one reactor. Each reactor does it once a second.
void end_those_overdue(const Reactor& reactor);

} // namespace ftpc::server
