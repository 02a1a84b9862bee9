// A Stream served like a connection: it reads, it replies, and reads no more before the replies have gone. At
// the other end of its socket is a client of TLS whose bytes travel in pieces that the test chooses.
#pragma once

#include "server/transport/tls/stream.hpp"
#include "support/own_certificate.hpp"
#include "support/tls_client.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace ftpc::test {

class StreamDriver {
public:
    static constexpr std::size_t everything = std::string::npos;

    // `socket_buffers`: how much fits on the way to the client, in bytes as SO_SNDBUF counts them.
    explicit StreamDriver(std::optional<int> socket_buffers = {})
    {
        std::signal(SIGPIPE, SIG_IGN); // as ftpcd does
        std::array<int, 2> both{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) != 0)
            throw std::runtime_error{"no pair of sockets"};
        wire_ = UniqueFd{both[0]};
        for (const int option : {SO_SNDBUF, SO_RCVBUF})
            for (const int end : both)
                if (socket_buffers)
                    ::setsockopt(end, SOL_SOCKET, option, &*socket_buffers, sizeof *socket_buffers);
        server_end_ = UniqueFd{::dup(both[1])};
        stream_.emplace(loop_, UniqueFd{both[1]});
    }
    StreamDriver(const StreamDriver&) = delete;
    StreamDriver& operator=(const StreamDriver&) = delete;
    ~StreamDriver() = default;

    // The handshake, each flight of the client's in pieces of so many bytes. Then the service, which reads
    // `reads` bytes at most at a time. False if the server refuses.
    bool start_tls(std::size_t piece = everything)
    {
        const bool started = shake_hands(piece);
        if (started) boost::asio::co_spawn(loop_.io(), serving(), boost::asio::detached);
        turn();
        return started;
    }

    // The handshake alone.
    bool shake_hands(std::size_t piece = everything)
    {
        std::optional<error_code> result;
        boost::asio::co_spawn(loop_.io(), starting(result), boost::asio::detached);
        bool client_done = false;
        while (!result || (!*result && !client_done)) {
            client_done = client.shake_hands();
            if (client.left() == 0 && result) break;
            do
                send(piece);
            while (client.left() > 0);
            carry_to_client();
        }
        return !*result;
    }

    // Begins to end TLS, if it is not served; the result once there is one.
    std::shared_ptr<std::optional<error_code>> stop_tls()
    {
        const auto result = std::make_shared<std::optional<error_code>>();
        const auto stopping = [](server::Stream& stream, auto out) -> boost::asio::awaitable<void> {
            *out = co_await stream.stop_tls();
        };
        boost::asio::co_spawn(loop_.io(), stopping(*stream_, result), boost::asio::detached);
        turn();
        return result;
    }

    // Fills the way to the client with bytes that are nobody's, and takes them away again.
    void block_way_to_client()
    {
        while (::send(server_end_.get(), "x", 1, 0) == 1)
            ++filling_;
    }
    void clear_way_to_client()
    {
        for (char byte = 0; filling_ > 0 && ::recv(wire_.get(), &byte, 1, 0) == 1;)
            --filling_;
        turn();
    }

    // Sends this instead of a handshake; whether the server takes it.
    bool start_tls_with(std::string_view bytes)
    {
        std::optional<error_code> result;
        boost::asio::co_spawn(loop_.io(), starting(result), boost::asio::detached);
        unsent_ = bytes;
        send(0);
        client_closes();
        if (!result) throw std::runtime_error{"the server waits for a client that has gone"};
        return !*result;
    }

    void client_sends_no_more()
    {
        ::shutdown(wire_.get(), SHUT_WR);
        turn();
    }

    void client_closes()
    {
        wire_.reset();
        server_end_.reset();
        turn();
    }

    // The client's bytes that wait to be sent: so many of them, and the server's reaction.
    void send(std::size_t most)
    {
        unsent_ += client.take(most);
        const ssize_t sent = ::send(wire_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
        turn();
    }

    // All that is on the way to the client; how many bytes that was.
    std::size_t carry_to_client()
    {
        std::size_t carried = 0;
        std::array<char, 4096> buffer{};
        ssize_t got = 0;
        while ((got = ::recv(wire_.get(), buffer.data(), buffer.size(), 0)) > 0) {
            carried += static_cast<std::size_t>(got);
            client.receive({buffer.data(), static_cast<std::size_t>(got)});
            turn();
        }
        return carried;
    }

    // All that can happen without waiting; throws if that does not end.
    void turn()
    {
        for (int turns = 0; loop_.turn(false); ++turns)
            if (turns > most_turns) throw std::runtime_error{"the server goes on without an event"};
    }

    server::Stream& stream() { return *stream_; }
    std::size_t left_to_send() const { return unsent_.size() + client.left(); }

    TlsClient client;
    std::string received;            // by the server
    std::optional<error_code> ended; // why nothing more comes
    std::size_t reads = 4096;        // bytes at a time, at most
    std::size_t times_asked = 0;     // to read
    // The server's replies to the bytes that it has just read.
    std::function<std::string()> reply = [] { return std::string{}; };

private:
    static constexpr int most_turns = 1'000'000; // more than there are bytes

    boost::asio::awaitable<void> starting(std::optional<error_code>& result)
    {
        result = co_await stream_->start_tls(context_);
    }

    boost::asio::awaitable<void> serving()
    {
        while (!ended) {
            const auto [cancelled] = co_await stream_->until_readable();
            ++times_asked;
            std::string room(reads, '\0');
            const auto got = cancelled ? Result<std::size_t>{cancelled} : stream_->read_now(room);
            const bool nothing = !got && got.error() == boost::asio::error::would_block;
            if (!got && !nothing) ended = got.error();
            if (ended) break;
            if (got) received.append(room, 0, *got);
            std::string answer;
            if (got) answer = reply();
            const error_code failed = co_await stream_->write_all(answer);
            if (failed) ended = failed;
        }
    }

    // The same for all: making a key takes longer than an exchange.
    static server::TlsContext own_context()
    {
        static const server::TlsContext context = [] {
            const OwnCertificate own;
            return server::make_tls_context(own.certificate(), own.key());
        }();
        return context;
    }

    server::TlsContext context_ = own_context();
    server::EventLoop loop_;
    UniqueFd wire_;       // the client's end
    UniqueFd server_end_; // the stream has it as well
    std::size_t filling_ = 0;
    std::optional<server::Stream> stream_;
    std::string unsent_; // by the client
};

} // namespace ftpc::test
