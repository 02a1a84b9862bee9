// The threads that serve connections, each with an event loop of its own and the connections that it was
// given. Whoever wants something of a connection asks its thread: nothing of one is touched from elsewhere.
#pragma once

#include "server/ftp/services.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace ftpc::server {

class Reactor;

class Reactors {
public:
    using Work = std::function<void(Services&)>;

    // As many as `settings` says.
    Reactors(const SharedServices& shared, const Settings& settings, const TlsContext& tls);
    Reactors(const Reactors&) = delete;
    Reactors& operator=(const Reactors&) = delete;
    // Waits for all threads to end.
    ~Reactors();

    // Runs `work` on the thread of each reactor, behind what it has been given before.
    void on_each(const Work& work);

    // As on_each, and behind every coroutine whose answer is on its way: one that has just been logged in is
    // among its reactor's connections with that login.
    void on_each_settled(const Work& work);

    // The one with the fewest connections.
    Reactor& least_busy();

    // Of all reactors.
    std::size_t connections() const;

    // Ends the loops, whatever is going on there. False: a thread does not come to it within a second.
    bool stop();

private:
    std::vector<std::unique_ptr<Reactor>> reactors_;
    std::size_t last_ = 0; // whose turn it was where several have as few
};

// Ends the connections that have kept nobody but themselves waiting for too long. Each reactor does it once a
// second.
void end_those_overdue(Services& services);

class Reactor {
public:
    // `processor`: the one that its thread keeps to while all its connections are logged in; none: the
    // scheduler's choice. A handshake takes as long as a hundred commands, and another processor may be free.
    Reactor(const SharedServices& shared, const Settings& settings, const TlsContext& tls,
            std::optional<int> processor);
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    ~Reactor();

    boost::asio::io_context& io();
    Services& services(); // for the reactor's own thread, and for what is made for it
    void post(std::function<void()> work);

    // Serves the connection until it ends; it is one of the reactor's connections from now on.
    void serve(std::unique_ptr<Connection> connection);
    std::size_t connections() const;

    bool stop(); // as Reactors::stop

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ftpc::server
