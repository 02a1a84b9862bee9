// A client's side of TLS without a socket: the owner carries the bytes, in any pieces.
#pragma once

#include "shared/protocol/session_key.hpp"

#include <memory>
#include <string>
#include <string_view>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace ftpc::test {

class TlsClient {
public:
    TlsClient(); // takes any certificate

    // Goes on with the handshake; whether it is finished.
    bool shake_hands();

    // Each makes bytes that are to be sent.
    void write(std::string_view text);
    void update_key(bool wants_answer); // TLS 1.3 (RFC 8446 §4.6.3)
    void close_notify();

    // Those bytes, taken from the front: so many at most.
    std::string take(std::size_t most);
    std::size_t left() const { return outgoing_.size(); }

    // Bytes from the server.
    void receive(std::string_view bytes);
    // Their contents so far. Throws std::runtime_error if TLS fails.
    std::string read();
    bool server_has_finished() const; // its close_notify has been read

    ChannelBinding channel_binding() const;

private:
    struct Free {
        void operator()(SSL* ssl) const;
        void operator()(SSL_CTX* context) const;
    };
    void gather();

    std::unique_ptr<SSL_CTX, Free> context_;
    std::unique_ptr<SSL, Free> ssl_;
    std::string outgoing_;
};

} // namespace ftpc::test
