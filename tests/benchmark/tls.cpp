#include "benchmark/tls.hpp"

#include <stdexcept>

namespace ftpc::benchmark {

TlsContext make_client_context()
{
    TlsContext context{SSL_CTX_new(TLS_client_method())};
    if (!context) throw std::runtime_error{"TLS cannot be set up"};
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context.get(), 1); // a record in one read(2) instead of two
    return context;
}

} // namespace ftpc::benchmark
