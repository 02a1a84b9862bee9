#include "server/transport/tls/stream.hpp"

#include "shared/crypto/secret.hpp"

#include <boost/asio.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

// More than the longest flight of a client's handshake, and more than one record (16 KiB) by far.
constexpr std::size_t most_bytes_without_data = std::size_t{64} * 1024;

void switch_on(int socket, int level, int option)
{
    const int on = 1;
    ::setsockopt(socket, level, option, &on, sizeof on);
}

} // namespace

void Stream::FreeSsl::operator()(SSL* ssl) const
{
    SSL_free(ssl);
}

Stream::Stream(EventLoop& loop, UniqueFd socket) : socket_{loop, std::move(socket)}
{
    // Without it a reply waits for the acknowledgement of the one before: 40 ms for each exchange.
    switch_on(socket_.descriptor(), IPPROTO_TCP, TCP_NODELAY);
    switch_on(socket_.descriptor(), SOL_SOCKET, SO_KEEPALIVE);
}

Stream::Attempt Stream::would_block(WatchedSocket::Event what)
{
    return {.bytes = 0, .failure = asio::error::would_block, .until = what};
}

asio::awaitable<error_code> Stream::until_possible(const Attempt& failed)
{
    if (failed.failure != asio::error::would_block) co_return failed.failure;
    const auto [result] = co_await socket_.until(failed.until);
    co_return result;
}

// ---- TLS

// One SSL call goes on as long as messages of TLS itself keep coming (KeyUpdate, in TLS 1.2 refused
// renegotiation), and keeps other connections waiting. So each call may receive once, and only so many bytes
// may come without anything in them.
bool Stream::before_receiving()
{
    return std::exchange(may_receive_, false);
}

// A BIO_callback_fn_ex.
// NOLINTNEXTLINE(readability-function-size): OpenSSL gives it so many parameters
long Stream::on_receiving(BIO* bio, int operation, const char*, std::size_t size, int, long, int result,
                          std::size_t* bytes)
{
    auto& stream = *reinterpret_cast<Stream*>(BIO_get_callback_arg(bio));
    if (operation == BIO_CB_READ && !stream.before_receiving()) {
        BIO_set_retry_read(bio); // as if the socket had nothing
        return -1;
    }
    if (operation != (BIO_CB_READ | BIO_CB_RETURN)) return result;
    stream.after_receiving(result > 0 ? *bytes : 0, size);
    // protection: answered-end
    if (result != 0 || !stream.leaves_end_) return result;
    BIO_set_retry_read(bio);
    return -1;
}

void Stream::after_receiving(std::size_t bytes, std::size_t asked)
{
    tls_bytes_ += bytes;
    socket_.has_read(bytes, asked);
}

Stream::Attempt Stream::outcome(int result, std::size_t bytes)
{
    if (result == 1) return {.bytes = bytes, .failure = {}};
    // protection: key-updates
    if (tls_bytes_ > most_bytes_without_data) {
        tls_error_ = "too many TLS messages without a command";
        return {.failure = {EPROTO, boost::system::system_category()}};
    }
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        return would_block(WatchedSocket::Event::readable);
    case SSL_ERROR_WANT_WRITE:
        socket_.could_not_write();
        return would_block(WatchedSocket::Event::writable);
    case SSL_ERROR_ZERO_RETURN:
        return {.failure = asio::error::eof};
    case SSL_ERROR_SYSCALL:
        return {.failure = errno == 0 ? error_code{asio::error::connection_reset} : last_system_error()};
    default:
        break;
    }
    const unsigned long error = ERR_peek_error();
    const char* const reason = ERR_reason_error_string(error);
    tls_error_ = reason != nullptr ? reason : "unknown TLS error";
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) tls_error_ = "hung up by the client";
    ERR_clear_error();
    return {.failure = {EPROTO, boost::system::system_category()}};
}

bool Stream::has_pending() const
{
    // OpenSSL counts the part of a record that has come as pending as well, however long the rest takes.
    // protection: half-record
    return ssl_ && !lacks_bytes_ && SSL_has_pending(ssl_.get()) == 1;
}

// ---- reading and writing

Stream::Attempt Stream::receive(std::span<char> into)
{
    if (!ssl_) return receive_in_clear(into);
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    may_receive_ = true;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
    if (result == 1) tls_bytes_ = 0;
    const Attempt attempt = outcome(result, got);
    const bool blocked = attempt.failure == asio::error::would_block;
    // protection: unread-answers
    has_unsent_ = blocked && attempt.until == WatchedSocket::Event::writable;
    lacks_bytes_ = blocked && !has_unsent_;
    return attempt;
}

Stream::Attempt Stream::receive_in_clear(std::span<char> into)
{
    const ssize_t result = ::recv(socket_.descriptor(), into.data(), into.size(), 0);
    if (result < 0 && errno != EAGAIN) return {.failure = last_system_error()};
    if (result == 0 && !leaves_end_) return {.failure = asio::error::eof};
    const std::size_t got = result > 0 ? static_cast<std::size_t>(result) : 0;
    socket_.has_read(got, into.size());
    if (got == 0) return would_block(WatchedSocket::Event::readable);
    return {.bytes = got, .failure = {}};
}

Stream::Attempt Stream::send(std::string_view bytes)
{
    Attempt sent = ssl_ ? send_by_tls(bytes) : send_in_clear(bytes);
    bytes_sent_ += sent.bytes;
    return sent;
}

Stream::Attempt Stream::send_by_tls(std::string_view bytes)
{
    ERR_clear_error();
    errno = 0;
    std::size_t written = 0;
    may_receive_ = true; // a message of TLS itself may have to be read to its end first
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
    return outcome(result, written);
}

Stream::Attempt Stream::send_in_clear(std::string_view bytes)
{
    const ssize_t sent = ::send(socket_.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {.bytes = static_cast<std::size_t>(sent), .failure = {}};
    if (errno != EAGAIN) return {.failure = last_system_error()};
    socket_.could_not_write();
    return would_block(WatchedSocket::Event::writable);
}

asio::awaitable<WatchedSocket::Result> Stream::until_readable()
{
    return socket_.until(WatchedSocket::Event::readable, has_pending() || has_unsent_);
}

Result<std::size_t> Stream::read_now(std::span<char> into)
{
    const Attempt attempt = receive(into);
    if (attempt.failure) return attempt.failure;
    return attempt.bytes;
}

Result<std::size_t> Stream::read_more_now(std::span<char> into)
{
    leaves_end_ = true;
    auto result = read_now(into);
    leaves_end_ = false;
    return result;
}

asio::awaitable<Result<std::size_t>> Stream::read_some(std::span<char> into)
{
    while (true) {
        const Attempt attempt = receive(into);
        if (!attempt.failure) co_return attempt.bytes;
        const error_code failure = co_await until_possible(attempt);
        if (failure) co_return failure;
    }
}

asio::awaitable<error_code> Stream::write_all(std::string_view bytes)
{
    if (has_unsent_) {
        const error_code failure = co_await until_possible(would_block(WatchedSocket::Event::writable));
        if (failure) co_return failure;
    }
    while (!bytes.empty()) {
        const Attempt attempt = send(bytes);
        bytes.remove_prefix(attempt.bytes);
        if (!attempt.failure) continue;
        const error_code failure = co_await until_possible(attempt);
        if (failure) co_return failure;
    }
    co_return error_code{};
}

std::size_t Stream::write_now(std::string_view bytes)
{
    if (ssl_ && SSL_is_init_finished(ssl_.get()) != 1) return 0;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const Attempt attempt = send(bytes.substr(sent));
        if (attempt.failure) break;
        sent += attempt.bytes;
    }
    return sent;
}

asio::awaitable<error_code> Stream::start_tls(TlsContext context, const TlsRole& role)
{
    context_ = std::move(context);
    role_ = role;
    ssl_.reset(SSL_new(context_.get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.descriptor()) != 1)
        co_return error_code{ENOMEM, boost::system::system_category()};
    set_role(ssl_.get(), role_);
    BIO_set_callback_ex(SSL_get_rbio(ssl_.get()), &Stream::on_receiving);
    BIO_set_callback_arg(SSL_get_rbio(ssl_.get()), reinterpret_cast<char*>(this));
    // protection: tls-wiped
    SSL_set_options(ssl_.get(), SSL_OP_CLEANSE_PLAINTEXT); // a password may come at any time
    tls_bytes_ = 0;
    while (true) {
        ERR_clear_error();
        errno = 0;
        may_receive_ = true;
        const Attempt attempt = outcome(SSL_accept(ssl_.get()), 0);
        if (!attempt.failure) co_return error_code{};
        const error_code failure = co_await until_possible(attempt);
        if (failure) co_return failure;
    }
}

asio::awaitable<error_code> Stream::stop_tls()
{
    // The client's own close_notify has to be read through TLS. Other bytes before it are thrown away: they
    // may be a login.
    // protection: rein-wiped
    SecretText discarded(4096);
    ERR_clear_error();
    SSL_set_read_ahead(ssl_.get(), 0); // bytes in clear behind it must stay in the socket
    int said = 0;
    while ((said = SSL_shutdown(ssl_.get())) < 0) {
        const error_code failure = co_await until_possible(outcome(said, 0));
        if (failure) co_return failure;
        ERR_clear_error();
    }
    std::size_t left = most_bytes_without_data;
    while (true) {
        const auto got = co_await read_some(discarded);
        // protection: rein-bound
        if (got && *got <= left) {
            left -= *got;
            continue;
        }
        if (got) {
            tls_error_ = "too many bytes before close_notify";
            co_return error_code{EPROTO, boost::system::system_category()};
        }
        if (got.error() != asio::error::eof) co_return got.error();
        ssl_.reset();
        co_return error_code{};
    }
}

asio::awaitable<error_code> Stream::end_sending()
{
    while (ssl_) {
        ERR_clear_error();
        errno = 0;
        const int said = SSL_shutdown(ssl_.get());
        if (said >= 0) break;
        const error_code failure = co_await until_possible(outcome(said, 0));
        if (failure) co_return failure;
    }
    ::shutdown(socket_.descriptor(), SHUT_WR);
    co_return error_code{};
}

void Stream::finish_sending()
{
    if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
    ::shutdown(socket_.descriptor(), SHUT_WR);
}

asio::awaitable<void> Stream::discard_to_end(std::size_t most)
{
    for (std::size_t left = most; left > 0;) {
        // protection: discarded-wiped
        SecretText discarded(4096);
        const Attempt attempt = receive_in_clear(discarded); // its contents do not matter any more
        if (attempt.failure && attempt.failure != asio::error::would_block) co_return;
        left -= std::min(left, attempt.bytes);
        const auto [ended] = co_await socket_.until(WatchedSocket::Event::readable); // others have their turn
        if (ended) co_return;
    }
}

bool Stream::discard_now(std::size_t most)
{
    std::array<char, 4096> discarded{};
    for (std::size_t left = most; left > 0;) {
        const Attempt attempt = receive_in_clear(discarded);
        if (attempt.failure) return attempt.failure != asio::error::would_block;
        left -= std::min(left, attempt.bytes);
    }
    return false;
}

TlsVersion Stream::tls_version() const
{
    if (!ssl_) return TlsVersion::none;
    return SSL_version(ssl_.get()) == TLS1_3_VERSION ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
}

bool Stream::resumed_session() const
{
    return ssl_ && SSL_session_reused(ssl_.get()) == 1;
}

std::string_view Stream::tls_version_name() const
{
    return ssl_ ? SSL_get_version(ssl_.get()) : "none";
}

std::string_view Stream::tls_cipher_name() const
{
    return ssl_ ? SSL_get_cipher_name(ssl_.get()) : "none";
}

Result<ChannelBinding> Stream::channel_binding() const
{
    ChannelBinding binding;
    if (!ssl_ ||
        SSL_export_keying_material(ssl_.get(), binding.data(), binding.size(), channel_binding_label.data(),
                                   channel_binding_label.size(), nullptr, 0, 0) != 1)
        return error_code{EPROTO, boost::system::system_category()};
    return binding;
}

void Stream::cancel()
{
    socket_.cancel();
}

void Stream::close()
{
    socket_.close();
}

void Stream::reset()
{
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

} // namespace ftpc::server
