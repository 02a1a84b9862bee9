#include "server/ipc/endpoint.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <string>
#include <utility>

namespace ftpc::server::ipc {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

namespace {

// How many packets are taken, or sent, in one go before others on the loop have their turn.
constexpr int packets_a_turn = 32;

bool would_block(const error_code& error)
{
    return error == boost::system::errc::resource_unavailable_try_again;
}

} // namespace

class Endpoint::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events,
         std::size_t most_unsent)
        : loop_{loop}, channel_{loop, channel.release()}, max_packet_bytes_{max_packet_bytes},
          most_unsent_{most_unsent}, events_{std::move(events)}
    {
        channel_.non_blocking(true);
    }

    void wait_for_packet()
    {
        channel_.async_wait(stream_descriptor::wait_read,
                            [self = shared_from_this()](const error_code& error) {
                                if (!error) self->receive();
                            });
    }

    void send(SecretText packet)
    {
        if (closed_) return;
        unsent_.push_back(std::move(packet));
        fill();
    }

    void fill()
    {
        if (!closed_ && !sending_ && !waits_for_room_) send_what_fits();
    }

    // The owner wants to hear of nothing any more.
    void abandon()
    {
        abandoned_ = true;
        close();
    }

private:
    void close()
    {
        closed_ = true;
        unsent_.clear();
        error_code ignored;
        channel_.close(ignored);
    }

    void receive()
    {
        for (int i = 0; i < packets_a_turn && !closed_; ++i) {
            // protection: back-pressure
            if (unsent_.size() >= most_unsent_) {
                reads_ = false;
                return;
            }
            auto packet = receive_packet(channel_.native_handle(), max_packet_bytes_);
            if (!packet && would_block(packet.error())) break;
            if (!packet) return close_later(packet.error().message());
            if (packet->bytes.empty()) return close_later("");
            events_.on_packet(std::move(*packet));
        }
        if (!closed_) wait_for_packet();
    }

    void send_what_fits()
    {
        sending_ = true; // the owner may call send() from on_room
        for (int i = 0; i < packets_a_turn && has_more(); ++i) {
            const auto sent = send_packet(channel_.native_handle(), unsent_.front());
            if (!sent && would_block(sent.error())) break;
            if (!sent) {
                close_later(sent.error().message());
                break;
            }
            unsent_.pop_front();
        }
        const bool more = !closed_ && has_more();
        sending_ = false;
        if (closed_) return;
        if (more) return wait_for_room();
        if (!std::exchange(reads_, true)) wait_for_packet();
    }

    bool has_more()
    {
        if (unsent_.empty() && events_.on_room) events_.on_room();
        return !unsent_.empty();
    }

    void wait_for_room()
    {
        waits_for_room_ = true;
        channel_.async_wait(stream_descriptor::wait_write,
                            [self = shared_from_this()](const error_code& error) {
                                self->waits_for_room_ = false;
                                if (!error) self->fill();
                            });
    }

    void close_later(std::string reason)
    {
        if (closed_) return;
        close();
        asio::post(loop_, [self = weak_from_this(), reason = std::move(reason)] {
            const auto alive = self.lock();
            if (alive && !alive->abandoned_) alive->events_.on_closed(reason);
        });
    }

    asio::io_context& loop_;
    stream_descriptor channel_;
    std::size_t max_packet_bytes_;
    std::size_t most_unsent_;
    Events events_;
    std::deque<SecretText> unsent_;
    bool sending_ = false;
    bool waits_for_room_ = false;
    bool reads_ = true; // false: not before all is sent
    bool closed_ = false;
    bool abandoned_ = false;
};

Endpoint::Endpoint(asio::io_context& loop, UniqueFd channel, std::size_t max_packet_bytes, Events events,
                   std::size_t most_unsent)
    : impl_{
          std::make_shared<Impl>(loop, std::move(channel), max_packet_bytes, std::move(events), most_unsent)}
{
    impl_->wait_for_packet();
}

Endpoint::~Endpoint()
{
    impl_->abandon();
}

void Endpoint::send(SecretText packet)
{
    impl_->send(std::move(packet));
}

void Endpoint::fill()
{
    impl_->fill();
}

} // namespace ftpc::server::ipc
