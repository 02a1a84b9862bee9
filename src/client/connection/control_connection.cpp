#include "client/connection/control_connection.hpp"

#include "client/connection/auth_tls.hpp"
#include "client/connection/socket.hpp"
#include "shared/base/text.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

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

ControlConnection::ControlConnection(ServerAddress server, TimeAllowance allowance, UniqueFd socket,
                                     TlsStream tls)
    : server_{std::move(server)},
      allowance_{std::move(allowance)}, socket_{std::move(socket)}, tls_{std::move(tls)}
{}

Outcome<ControlConnection> ControlConnection::open(const ServerAddress& server, const std::string& ca_file,
                                                   TimeAllowance allowance, CertificateDates dates)
{
    const TimeAllowance::Use use{allowance};
    const Deadline deadline = allowance.deadline();
    auto socket = connect_to(server, deadline);
    if (!socket) return socket.error();
    if (auto begun = begin_tls(socket->get(), server, deadline); !begun) return begun.error();
    auto tls = TlsStream::over(socket->get(), server.host, ca_file, dates);
    if (!tls) return tls.error();
    if (auto done = shake_hands(*tls, socket->get(), server, deadline); !done) return done.error();
    return ControlConnection{server, allowance, std::move(*socket), std::move(*tls)};
}

void ControlConnection::send(std::string_view command)
{
    outgoing_.insert(outgoing_.end(), command.begin(), command.end());
    outgoing_.insert(outgoing_.end(), {'\r', '\n'});
    ++unanswered_;
}

void ControlConnection::renew_allowance()
{
    allowance_.renew();
    last_look_taken_ = false;
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
        // protection: endless-reply
        if (reply_bytes_ > max_reply_bytes) return broken("a reply without end");
        const auto state = reader_.feed(line.text);
        if (state == ReplyReader::State::malformed)
            return broken("it answered '" + printable(line.text.substr(0, 80)) + "'");
        if (state == ReplyReader::State::incomplete) continue;
        reply_bytes_ = 0;
        if (unanswered_ == 0 && reader_.reply().code != 421) return broken("a reply to nothing");
        // After a preliminary reply another one is due for the same command (RFC 959 §4.2.1).
        if (reader_.reply().code >= 200) unanswered_ -= std::min<std::size_t>(unanswered_, 1);
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

// The reply may be there already when the time is used up, so the received bytes are read once more.
bool ControlConnection::is_overdue()
{
    return allowance_.used_up() && std::exchange(last_look_taken_, true);
}

Outcome<bool> ControlConnection::exchange()
{
    return exchange(owed());
}

Outcome<bool> ControlConnection::exchange(bool counts)
{
    // protection: client-timeout
    if (counts && is_overdue())
        return lost("no answer for " + std::to_string(allowance_.limit().count()) + " seconds");
    std::optional<TimeAllowance::Use> use;
    if (counts) use.emplace(allowance_);
    wants_write_ = false;
    // Reading goes first: a server that ends the connection has said why before it closed.
    const bool received = receive();
    if (ending_) return lost(*ending_);
    const bool sent = transmit();
    return received || sent;
}

Outcome<void> ControlConnection::pump(int other_input)
{
    // The server owes nothing while only the other input is waited for.
    const bool counts = owed() || other_input < 0;
    const auto moved = exchange(counts);
    if (!moved) return moved.error();
    if (!*moved) wait(other_input, counts);
    return {};
}

// After a signal, or when the time is used up, the next round looks again.
void ControlConnection::wait(int other_input, bool counts)
{
    const short events = wants_write_ ? POLLIN | POLLOUT : POLLIN;
    std::array<pollfd, 2> waiting{{{socket_.get(), events, 0}, {other_input, POLLIN, 0}}};
    std::optional<TimeAllowance::Use> use;
    if (counts) use.emplace(allowance_);
    ::poll(waiting.data(), waiting.size(), counts ? milliseconds_until(allowance_.deadline()) : -1);
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
