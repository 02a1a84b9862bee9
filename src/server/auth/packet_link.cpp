#include "server/auth/packet_link.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <string>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

// How many packets are taken in one go before others on the loop have their turn.
constexpr int packets_a_turn = 32;

bool would_block(const error_code& error)
{
    return error == boost::system::errc::resource_unavailable_try_again;
}

} // namespace

class PacketLink::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events)
        : loop_{loop}, channel_{loop, channel.release()},
          max_packet_bytes_{max_packet_bytes}, events_{std::move(events)}
    {
        channel_.non_blocking(true);
    }

    void wait_for_packet()
    {
        channel_.async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](const error_code& error) {
                                if (!error) self->receive();
                            });
    }

    void send(SecretText packet)
    {
        if (closed_) return;
        waiting_.push_back(std::move(packet));
        if (waiting_.size() > max_waiting_packets) return close_later("it does not read its answers");
        if (waiting_.size() == 1) flush();
    }

    void close()
    {
        closed_ = true;
        error_code ignored;
        channel_.close(ignored);
    }

private:
    void receive()
    {
        for (int i = 0; i < packets_a_turn && !closed_; ++i) {
            auto packet = ipc::receive_packet(channel_.native_handle(), max_packet_bytes_);
            if (!packet && would_block(packet.error())) break;
            if (!packet) return close_later(packet.error().message());
            if (packet->bytes.empty()) return close_later("");
            events_.on_packet(std::move(*packet));
        }
        if (!closed_) wait_for_packet();
    }

    void flush()
    {
        while (!waiting_.empty()) {
            const auto sent = ipc::send_packet(channel_.native_handle(), waiting_.front());
            if (!sent && would_block(sent.error())) return wait_for_room();
            if (!sent) return close_later(sent.error().message());
            waiting_.pop_front();
        }
    }

    void wait_for_room()
    {
        channel_.async_wait(asio::posix::stream_descriptor::wait_write,
                            [self = shared_from_this()](const error_code& error) {
                                if (!error && !self->closed_) self->flush();
                            });
    }

    void close_later(std::string reason)
    {
        if (closed_) return;
        close();
        asio::post(loop_, [self = weak_from_this(), reason = std::move(reason)] {
            // Gone when the owner has ended the link meanwhile, and then does not want to hear of it.
            if (const auto alive = self.lock()) alive->events_.on_closed(reason);
        });
    }

    asio::io_context& loop_;
    asio::posix::stream_descriptor channel_;
    std::size_t max_packet_bytes_;
    Events events_;
    std::deque<SecretText> waiting_;
    bool closed_ = false;
};

PacketLink::PacketLink(asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events)
    : impl_{std::make_shared<Impl>(loop, std::move(channel), max_packet_bytes, std::move(events))}
{
    impl_->wait_for_packet();
}

PacketLink::~PacketLink()
{
    impl_->close();
}

void PacketLink::send(SecretText packet)
{
    impl_->send(std::move(packet));
}

} // namespace ftpc::server
