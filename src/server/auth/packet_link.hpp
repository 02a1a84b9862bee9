// One end of a channel between processes (ipc/channel.hpp) on the event loop: never blocks, and never keeps
// more than a bounded number of packets for a side that does not read.
#pragma once

#include "server/ipc/channel.hpp"
#include "shared/unique_fd.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace ftpc::server {

class PacketLink {
public:
    // How many packets wait at most for the other side to read, beside those that the kernel holds.
    static constexpr std::size_t max_waiting_packets = 4096;

    // Called on the loop. `on_closed` comes once, with the reason for the log (empty: the other side closed),
    // after which nothing is called any more. Both may destroy the link.
    struct Events {
        std::function<void(ipc::Packet)> on_packet;
        std::function<void(std::string_view reason)> on_closed;
    };

    PacketLink(boost::asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events);
    PacketLink(const PacketLink&) = delete;
    PacketLink& operator=(const PacketLink&) = delete;
    // Closes the channel; no event comes any more.
    ~PacketLink();

    // Sends now or as soon as the other side has room. A link that breaks, or has too much waiting, closes;
    // `on_closed` says so from the loop, never from within this call.
    void send(SecretText packet);

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ftpc::server
