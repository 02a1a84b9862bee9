// The server's side of TLS: which versions and ciphers, and with which certificate.
#pragma once

#include <memory>
#include <string_view>

// OpenSSL's own name, declared here so that headers stay free of it.
using SSL_CTX = struct ssl_ctx_st;

namespace ftpc::server {

using TlsContext = std::shared_ptr<SSL_CTX>;

// TLS 1.2 with ECDHE and AEAD ciphers, or TLS 1.3; no renegotiation, tickets, session cache or compression.
// `alpn`: the one protocol that a client may ask for, as it travels (RFC 7301 §3.1), in a text that stays;
// null: any. Throws std::runtime_error with a sentence for the administrator when certificate and key cannot
// be read or do not belong together.
TlsContext make_tls_context(std::string_view certificate_pem, std::string_view key_pem,
                            const char* alpn = nullptr);

} // namespace ftpc::server
