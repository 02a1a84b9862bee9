// A control connection (RFC 959) that has gone over to TLS (RFC 4217): commands out, replies in, both at
// once.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/connection/time_allowance.hpp"
#include "client/connection/tls_stream.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/protocol/line_buffer.hpp"
#include "shared/protocol/reply.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

class ControlConnection {
public:
    // The longest reply, all its lines together, that is put up with.
    static constexpr std::size_t max_reply_bytes = std::size_t{64} * 1024;

    // Connects, asks for TLS at once and makes the handshake, all within the rest of `allowance`. Later the
    // time counts, too, in which a reply is due; only renew_allowance() gives the server more. Other work of
    // the client does not count. Nothing secret has been sent yet: look at peer() first. Fails with
    // ExitStatus::unreachable. Fails with untrusted when the server refuses TLS or sends bytes behind its
    // consent to it, or when the CA file cannot be used.
    static Outcome<ControlConnection> open(const ServerAddress& server, const std::string& ca_file,
                                           TimeAllowance allowance,
                                           CertificateDates dates = CertificateDates::count);

    const ServerAddress& server() const { return server_; }
    PeerIdentity peer() const { return tls_.peer(); }
    ChannelBinding channel_binding() const { return tls_.channel_binding(); }

    // Queues one command, given without its CRLF. pump() sends it.
    void send(std::string_view command);

    // Bytes of commands that have not been sent.
    std::size_t unsent() const { return outgoing_.size() - sent_; }

    // Commands whose final reply has not come, sent or not.
    std::size_t unanswered() const { return unanswered_; }

    // For a command with any number of exchanges: the server has answered, and has the whole time for the
    // next one.
    void renew_allowance();

    // The next reply among the received bytes; nothing when it is not complete yet. Never waits. Any number
    // of preliminary replies (100-199) may come before the final one of a command. A reply 421 (the server
    // ends the connection) may come unasked. Fails with ExitStatus::unreachable when the server does not keep
    // to the protocol.
    Outcome<std::optional<Reply>> next_reply();

    // Sends and receives as much as it can at once; returns whether that was anything. Take every
    // next_reply() before calling it. Fails with ExitStatus::unreachable when the connection is lost, or when
    // the reply that is due does not come in time.
    Outcome<bool> exchange();

    // The same; when there is nothing, waits until there is something, or until `other_input` (a descriptor)
    // can be read.
    Outcome<void> pump(int other_input = -1);

    // Pumps until the next reply has come.
    Outcome<Reply> await_reply();

    // Says goodbye to TLS (close_notify). For after the reply to QUIT.
    void close() { tls_.close(); }

private:
    ControlConnection(ServerAddress server, TimeAllowance allowance, UniqueFd socket, TlsStream tls);

    bool owed() const { return unanswered_ > 0; }
    Outcome<bool> exchange(bool counts);
    bool is_overdue();
    bool receive();
    bool transmit();
    void wait(int other_input, bool counts);
    Failure lost(std::string_view reason) const;

    ServerAddress server_;
    TimeAllowance allowance_;
    UniqueFd socket_;
    TlsStream tls_;
    LineBuffer incoming_;
    ReplyReader reader_;
    std::size_t reply_bytes_ = 0; // of the reply that is being put together
    SecretText outgoing_;         // a command may carry the hash of a password
    std::size_t sent_ = 0;        // how much of outgoing_ is on its way
    std::size_t unanswered_ = 0;
    bool last_look_taken_ = false;      // at the received bytes, since the time was used up
    bool wants_write_ = false;          // the socket took no more
    bool sending_failed_ = false;       // but there may be a last reply to read
    std::optional<std::string> ending_; // why nothing more will come
};

} // namespace ftpc::client
