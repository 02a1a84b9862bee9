// One end of a channel between processes (ipc/channel.hpp) on an event loop. It never blocks and never gives
// up a side that is slow: its owner is asked for more when there is room (back-pressure).
#pragma once

#include "server/ipc/channel.hpp"
#include "shared/base/unique_fd.hpp"

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace ftpc::server::ipc {

class Endpoint {
public:
    // Called on the loop; none of them is called any more once the endpoint is gone.
    struct Events {
        std::function<void(Packet)> on_packet; // may destroy the endpoint
        // Comes once, with the reason for the log (empty: the other side closed), after which nothing is
        // called any more. May destroy the endpoint.
        std::function<void(std::string_view reason)> on_closed;
        // All that was given to send() is with the kernel, which may have room for another packet. It is
        // given to send() now, or at a later fill(). For an owner with much to say, which it keeps as state
        // rather than as packets. Must not destroy the endpoint.
        std::function<void()> on_room = {};
    };

    // Reads no further while `most_unsent` packets or more wait to be sent, until all are. Only one side of a
    // channel may have such a bound, or both could wait for each other.
    Endpoint(boost::asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events,
             std::size_t most_unsent = std::numeric_limits<std::size_t>::max());
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    // Closes the channel; no event comes any more.
    ~Endpoint();

    // Sends now or as soon as the other side has room, in order. A channel that breaks closes; `on_closed`
    // says so from the loop, never from within this call.
    void send(SecretText packet);

    // There is something to be said again: calls on_room now, or when what waits is sent.
    void fill();

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ftpc::server::ipc
