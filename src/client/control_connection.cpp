#include "client/control_connection.hpp"

#include "client/auth_tls.hpp"
#include "client/socket.hpp"
#include "shared/text.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

namespace ftpc::client {

namespace {

// Sent bytes are dropped from the front of the queue when there are this many of them.
constexpr std::size_t drop_sent_from = std::size_t{256} * 1024;

Outcome<void> shake_hands(TlsStream& tls, int socket, const ServerAddress& server, Deadline deadline)
{
    const auto failed = [&](const std::string& reason) {
        return Failure{ExitStatus::unreachable, "no TLS with " + server.text() + ": " + reason};
    };
    while (true) {
        const auto [status, bytes] = tls.handshake();
        if (status == TlsStream::Status::done) return {};
        if (status == TlsStream::Status::closed) return failed("the server closed the connection");
        if (status == TlsStream::Status::failed) return failed(tls.problem());
        const short events = status == TlsStream::Status::want_write ? POLLOUT : POLLIN;
        if (!wait_for(socket, events, deadline)) return failed("no answer in time");
    }
}

} // namespace

ControlConnection::ControlConnection(ServerAddress server, std::chrono::seconds timeout, UniqueFd socket,
                                     TlsStream tls)
    : server_{std::move(server)}, timeout_{timeout}, socket_{std::move(socket)}, tls_{std::move(tls)}
{}

Outcome<ControlConnection> ControlConnection::open(const ServerAddress& server, const std::string& ca_file,
                                                   std::chrono::seconds timeout)
{
    const Deadline deadline = std::chrono::steady_clock::now() + timeout;
    auto socket = connect_to(server, deadline);
    if (!socket) return socket.error();
    if (auto begun = begin_tls(socket->get(), server, deadline); !begun) return begun.error();
    auto tls = TlsStream::over(socket->get(), server.host, ca_file);
    if (!tls) return tls.error();
    if (auto done = shake_hands(*tls, socket->get(), server, deadline); !done) return done.error();
    return ControlConnection{server, timeout, std::move(*socket), std::move(*tls)};
}

void ControlConnection::send(std::string_view command)
{
    outgoing_.insert(outgoing_.end(), command.begin(), command.end());
    outgoing_.insert(outgoing_.end(), {'\r', '\n'});
    if (unanswered_ == 0) waited_ = {};
    ++unanswered_;
}

Outcome<std::optional<Reply>> ControlConnection::next_reply()
{
    const auto broken = [&](const std::string& what) {
        return Failure{ExitStatus::unreachable, server_.text() + " does not keep to the protocol: " + what};
    };
    while (true) {
        const auto line = incoming_.next();
        if (line.status == LineBuffer::Status::need_more) return std::optional<Reply>{};
        if (line.status != LineBuffer::Status::line) return broken("a reply with a line that is too long");
        reply_bytes_ += line.text.size() + 1;
        if (reply_bytes_ > max_reply_bytes) return broken("a reply without end");
        const auto state = reader_.feed(line.text);
        if (state == ReplyReader::State::malformed)
            return broken("it answered '" + printable(line.text.substr(0, 80)) + "'");
        if (state == ReplyReader::State::incomplete) continue;
        reply_bytes_ = 0;
        waited_ = {}; // for the next one
        if (unanswered_ == 0 && reader_.reply().code != 421) return broken("a reply to nothing");
        unanswered_ -= std::min<std::size_t>(unanswered_, 1);
        return std::optional<Reply>{reader_.reply()};
    }
}

bool ControlConnection::receive()
{
    if (ending_) return false;
    const auto [status, bytes] = tls_.read(incoming_.room());
    switch (status) {
    case TlsStream::Status::done:
        incoming_.received(bytes);
        return true;
    case TlsStream::Status::want_read:
        return false;
    case TlsStream::Status::want_write:
        wants_write_ = true;
        return false;
    case TlsStream::Status::closed:
        ending_ = "the server closed it";
        return true;
    case TlsStream::Status::failed:
        ending_ = tls_.problem();
        return true;
    }
    return false;
}

bool ControlConnection::transmit()
{
    if (unsent() == 0 || sending_failed_) return false;
    const auto [status, bytes] = tls_.write({outgoing_.data() + sent_, unsent()});
    wants_write_ = status == TlsStream::Status::want_write;
    sending_failed_ = status == TlsStream::Status::failed || status == TlsStream::Status::closed;
    if (status != TlsStream::Status::done) return sending_failed_;
    sent_ += bytes;
    if (sent_ == outgoing_.size() || sent_ >= drop_sent_from) {
        outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
    return true;
}

Outcome<bool> ControlConnection::exchange()
{
    wants_write_ = false;
    // Reading goes first: a server that ends the connection has said why before it closed.
    const bool received = receive();
    if (ending_) return lost(*ending_);
    const bool sent = transmit();
    return received || sent;
}

Outcome<void> ControlConnection::pump(int other_input)
{
    const auto moved = exchange();
    if (!moved) return moved.error();
    if (*moved) return {};
    return wait(other_input);
}

Outcome<void> ControlConnection::wait(int other_input)
{
    const short events = wants_write_ ? POLLIN | POLLOUT : POLLIN;
    std::array<pollfd, 2> waiting{{{socket_.get(), events, 0}, {other_input, POLLIN, 0}}};
    // The server owes nothing while only the other input is waited for.
    const bool owed = unanswered_ > 0 || other_input < 0;
    if (unanswered_ == 0) waited_ = {};
    const auto begin = Clock::now();
    const int ready =
        ::poll(waiting.data(), waiting.size(), owed ? milliseconds_until(begin + (timeout_ - waited_)) : -1);
    waited_ += Clock::now() - begin;
    if (ready == 0) return lost("no answer for " + std::to_string(timeout_.count()) + " seconds");
    return {}; // also after a signal: the next round looks again
}

Failure ControlConnection::lost(std::string_view reason) const
{
    return {ExitStatus::unreachable, "connection to " + server_.text() + " lost: " + std::string{reason}};
}

Outcome<Reply> ControlConnection::await_reply()
{
    while (true) {
        auto reply = next_reply();
        if (!reply) return reply.error();
        if (*reply) return std::move(**reply);
        if (auto moved = pump(); !moved) return moved.error();
    }
}

} // namespace ftpc::client
