// A control connection (RFC 959) that has gone over to TLS (RFC 4217): commands out, replies in, both at
// once.
#pragma once

#include "client/failure.hpp"
#include "client/server_address.hpp"
#include "client/tls_stream.hpp"
#include "shared/line_buffer.hpp"
#include "shared/reply.hpp"
#include "shared/secret.hpp"
#include "shared/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

class ControlConnection {
public:
    using Clock = std::chrono::steady_clock;

    // The longest reply, all its lines together, that is put up with.
    static constexpr std::size_t max_reply_bytes = std::size_t{64} * 1024;

    // Connects, asks for TLS at once and makes the handshake, all within `timeout`; later the server has
    // `timeout` for each reply as a whole: so long is it waited for, from the reply before it or the command
    // that it answers on; what else the client does meanwhile does not count, and bytes that are no complete
    // reply gain the server no time. Nothing secret has been
    // sent yet: look at peer() first. Fails with ExitStatus::unreachable, or with untrusted when the server
    // refuses TLS, sends bytes behind its consent to TLS, or the CA file cannot be used.
    static Outcome<ControlConnection> open(const ServerAddress& server, const std::string& ca_file,
                                           std::chrono::seconds timeout);

    const ServerAddress& server() const { return server_; }
    PeerIdentity peer() const { return tls_.peer(); }
    ChannelBinding channel_binding() const { return tls_.channel_binding(); }

    // Queues one command, given without its CRLF. pump() sends it.
    void send(std::string_view command);

    // Bytes of commands that have not been sent.
    std::size_t unsent() const { return outgoing_.size() - sent_; }

    // Commands whose reply has not come, sent or not.
    std::size_t unanswered() const { return unanswered_; }

    // The next reply among what has been received; nothing when it is not complete yet. Never waits. A reply
    // 421 (the server ends the connection) may come unasked. Fails with ExitStatus::unreachable when the
    // server does not keep to the protocol.
    Outcome<std::optional<Reply>> next_reply();

    // Sends and receives what can be sent and received at once; returns whether that was anything. Take every
    // next_reply() before calling it. Fails with ExitStatus::unreachable when the connection is lost.
    Outcome<bool> exchange();

    // The same; when there is nothing, waits until there is something, or until `other_input` (a descriptor)
    // can be read. Fails also when the reply that is due does not come in time.
    Outcome<void> pump(int other_input = -1);

    // Pumps until the next reply has come.
    Outcome<Reply> await_reply();

    // Says goodbye to TLS (close_notify). For after the reply to QUIT.
    void close() { tls_.close(); }

private:
    ControlConnection(ServerAddress server, std::chrono::seconds timeout, UniqueFd socket, TlsStream tls);

    bool receive();
    bool transmit();
    Outcome<void> wait(int other_input);
    Failure lost(std::string_view reason) const;

    ServerAddress server_;
    std::chrono::seconds timeout_;
    UniqueFd socket_;
    TlsStream tls_;
    LineBuffer incoming_;
    ReplyReader reader_;
    std::size_t reply_bytes_ = 0; // of the reply that is being put together
    SecretText outgoing_;         // a command may carry the hash of a password
    std::size_t sent_ = 0;        // how much of outgoing_ is on its way
    std::size_t unanswered_ = 0;
    Clock::duration waited_{};          // for the next reply, so far
    bool wants_write_ = false;          // the socket took no more
    bool sending_failed_ = false;       // but there may be a last reply to read
    std::optional<std::string> ending_; // why nothing more will come
};

} // namespace ftpc::client
