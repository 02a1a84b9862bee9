// A data connection that brings bytes, with blocking calls (RFC 4217 §9).
#pragma once

#include "benchmark/target.hpp"
#include "benchmark/tls.hpp"

#include <array>
#include <string_view>

namespace ftpc::benchmark {

class DataConnection {
public:
    // TLS on a connection that is there, with an offer to resume that session. Throws std::runtime_error.
    DataConnection(UniqueFd connection, SSL_CTX* context, SSL_SESSION* session);

    // Whether the server resumed the session.
    bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    // The next bytes, valid until the next call. Nothing after a close_notify or the end of the connection,
    // and a close_notify then goes back. Throws std::runtime_error if the connection is reset.
    std::string_view read();

private:
    UniqueFd socket_;
    TlsStream ssl_;
    std::array<char, 16384> room_; // a TLS record's
};

} // namespace ftpc::benchmark
