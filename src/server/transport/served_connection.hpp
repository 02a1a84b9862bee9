// One connection of any protocol, as the listener and its reactor see it.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/transport/admission.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <string_view>

namespace ftpc::server {

class Reactor;

// Used on the thread of its reactor; it may be made on any thread.
class ServedConnection {
public:
    using Clock = std::chrono::steady_clock;

    ServedConnection() = default;
    ServedConnection(const ServedConnection&) = delete;
    ServedConnection& operator=(const ServedConnection&) = delete;
    virtual ~ServedConnection() = default; // closes the socket

    // Serves the client until either side ends the connection, and returns null. It may return the reactor at
    // which it would better go on: then run() is called again, there or here.
    virtual boost::asio::awaitable<Reactor*> run() = 0;

    // Before it goes on at another reactor, on the thread of the one that it leaves.
    virtual void leave() {}

    // Before run(), on the thread of its reactor.
    virtual void arrive(Reactor&) {}

    // Ends it once the command under way is answered. The client is told `why` as the last word.
    virtual void end(std::string_view why) = 0;

    // Ends it at once, to make room: `why` is sent as far as it can be without waiting.
    virtual void end_at_once(std::string_view why) = 0;

    // Ends it if it has kept nobody but itself waiting for too long, or if its client is gone. To be called
    // about once a second.
    virtual void end_if_overdue(Clock::time_point now) = 0;

    virtual const ipc::PeerAddress& peer() const = 0;
};

} // namespace ftpc::server
