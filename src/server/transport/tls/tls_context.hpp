// The server's side of TLS: which versions and ciphers, and with which certificate.
#pragma once

#include <memory>
#include <string_view>

// OpenSSL's own name, declared here so that headers stay free of it.
using SSL_CTX = struct ssl_ctx_st;

namespace ftpc::server {

using TlsContext = std::shared_ptr<SSL_CTX>;

// TLS 1.2 with ECDHE and AEAD ciphers, or TLS 1.3; no renegotiation, session cache or compression. Tickets
// and ALPN are up to the role of each connection (transport/tls/tls_role). Throws std::runtime_error with a
// sentence for the administrator when certificate and key cannot be read or do not belong together.
TlsContext make_tls_context(std::string_view certificate_pem, std::string_view key_pem);

} // namespace ftpc::server
