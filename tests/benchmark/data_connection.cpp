#include "benchmark/data_connection.hpp"

#include <stdexcept>

#include <openssl/err.h>

namespace ftpc::benchmark {

DataConnection::DataConnection(UniqueFd connection, SSL_CTX* context, SSL_SESSION* session)
    : socket_{std::move(connection)}, ssl_{SSL_new(context)}
{
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.get()) != 1 || SSL_set_session(ssl_.get(), session) != 1)
        throw std::runtime_error{"no TLS"};
    SSL_set_mode(ssl_.get(), SSL_MODE_AUTO_RETRY);
    SSL_set_options(ssl_.get(), SSL_OP_IGNORE_UNEXPECTED_EOF); // some servers end without a close_notify
    if (SSL_connect(ssl_.get()) != 1) {
        ERR_clear_error();
        throw std::runtime_error{"TLS handshake of a data connection failed"};
    }
    acknowledge_at_once(socket_.get());
}

std::string_view DataConnection::read()
{
    const int got = SSL_read(ssl_.get(), room_.data(), static_cast<int>(room_.size()));
    if (got > 0) return {room_.data(), static_cast<std::size_t>(got)};
    const bool ended = SSL_get_error(ssl_.get(), got) == SSL_ERROR_ZERO_RETURN;
    if (ended) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    if (!ended) throw std::runtime_error{"the server broke off a data connection"};
    return {};
}

} // namespace ftpc::benchmark
