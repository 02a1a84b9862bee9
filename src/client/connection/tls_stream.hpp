// The client's side of TLS 1.3 on a non-blocking socket.
#pragma once

#include "client/base/failure.hpp"
#include "shared/protocol/session_key.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

// OpenSSL's own name, declared here so that headers stay free of it.
using SSL = struct ssl_st;

namespace ftpc::client {

// The identity that the other side has shown.
struct PeerIdentity {
    std::string fingerprint; // of its certificate's public key
    std::string
        chain_problem; // why the CA file does not vouch for it under this host name; empty when it does
};

// Whether the dates of certificates count. They do not if the clock of this machine is in question.
enum class CertificateDates { count, ignored };

class TlsStream {
public:
    enum class Status {
        done,       // `bytes` were moved, or the handshake is over
        want_read,  // try again when the socket can be read
        want_write, // try again when the socket can be written
        closed,     // the other side ended TLS with close_notify
        failed,     // TLS or the connection broke: problem() says how
    };
    struct Progress {
        Status status;
        std::size_t bytes = 0;
    };

    // TLS over the socket `fd`, which stays the caller's. The server is asked for, and by `ca_file` checked
    // under, the name `host`; without a `ca_file` nothing vouches for it and PeerIdentity::chain_problem says
    // so. Fails with ExitStatus::untrusted when the CA file cannot be used.
    static Outcome<TlsStream> over(int fd, const std::string& host, const std::string& ca_file,
                                   CertificateDates dates = CertificateDates::count);

    // Goes on with the handshake. It succeeds with any server: look at peer() before anything secret is sent.
    Progress handshake();

    Progress read(std::span<char> room);
    Progress write(std::string_view bytes);

    // Sends close_notify, if it can be sent at once.
    void close();

    // After the handshake.
    PeerIdentity peer() const;
    ChannelBinding channel_binding() const;

    const std::string& problem() const { return problem_; }

private:
    struct Release {
        void operator()(SSL* ssl) const noexcept;
    };

    explicit TlsStream(SSL* ssl) : ssl_{ssl} {}
    Progress progress(int result, std::size_t bytes);

    std::unique_ptr<SSL, Release> ssl_;
    std::string problem_;
    bool checks_chain_ = false;
};

} // namespace ftpc::client
