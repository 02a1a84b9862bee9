// The part that one TLS connection has in a service with several: a control connection, or a data connection
// that belongs to one. Session tickets tie them together (RFC 8446 §2.2, RFC 5077).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// OpenSSL's own names, declared here so that headers stay free of it.
using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace ftpc::server {

// A control connection never resumes a TLS session, so that its exporter (RFC 9266) stays its own. A ticket
// that it gives out is good for its own data connections alone.
struct TlsRole {
    using Id = std::array<std::uint8_t, 16>;
    enum class Kind { control, data };

    Kind kind = Kind::control;
    Id control_connection{}; // random; the same for both
    std::size_t tickets = 0; // to be given out after the handshake (TLS 1.3)
    const char* alpn =
        nullptr; // the protocols that a client may ask for, as they travel (RFC 7301 §3.1); null: any
};

// A number that no client can guess.
TlsRole::Id random_tls_role_id();

// Tickets and ALPN of connections of `context` follow their roles; one without a role gives out and takes
// none.
void follow_roles(SSL_CTX* context);

// Before the handshake. `role` must outlive `ssl`.
void set_role(SSL* ssl, const TlsRole& role);

} // namespace ftpc::server
