// OpenSSL's objects, as a client of this measurement has them.
#pragma once

#include <memory>

#include <openssl/ssl.h>

namespace ftpc::benchmark {

struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeSsl>;
using TlsStream = std::unique_ptr<SSL, FreeSsl>;
using TlsSession = std::unique_ptr<SSL_SESSION, FreeSsl>;

// Trusts everybody: this measures, it does not protect.
TlsContext make_client_context();

} // namespace ftpc::benchmark
