#include "server/net/stream.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <array>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ftpc::server {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);

namespace {

// More than the longest flight of a client's handshake, and more than one record (16 KiB) by far.
constexpr std::size_t most_bytes_without_data = std::size_t{64} * 1024;

bool would_block(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

} // namespace

void Stream::FreeSsl::operator()(SSL* ssl) const
{
    SSL_free(ssl);
}

Stream::Stream(tcp::socket socket) : socket_{std::move(socket)}
{
    error_code ignored;
    socket_.native_non_blocking(true, ignored);
    // Without it a reply waits for the acknowledgement of the one before: 40 ms for each exchange.
    socket_.set_option(tcp::no_delay{true}, ignored);
    socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
}

asio::awaitable<error_code> Stream::wait(tcp::socket::wait_type what)
{
    const auto [failure] = co_await socket_.async_wait(what, use_awaitable);
    co_return failure;
}

// Left to itself, one SSL call goes on as long as messages of TLS itself keep coming (KeyUpdate, in TLS 1.2
// refused renegotiation), and for so long no other connection has its turn. So each call may receive once,
// and only so many bytes may come without anything in them.
bool Stream::before_receiving()
{
    return std::exchange(may_receive_, false);
}

// A BIO_callback_fn_ex.
long Stream::on_receiving(BIO* bio, int operation, const char*, std::size_t, int, long, int result,
                          std::size_t* bytes)
{
    auto& stream = *reinterpret_cast<Stream*>(BIO_get_callback_arg(bio));
    if (operation == BIO_CB_READ && !stream.before_receiving()) {
        BIO_set_retry_read(bio); // as if the socket had nothing
        return -1;
    }
    if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0) stream.after_receiving(*bytes);
    return result;
}

asio::awaitable<error_code> Stream::wait_for_tls(int result)
{
    if (tls_bytes_ > most_bytes_without_data) {
        tls_error_ = "too many TLS messages without a command";
        co_return error_code{EPROTO, boost::system::system_category()};
    }
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
        co_return co_await wait(tcp::socket::wait_read);
    case SSL_ERROR_WANT_WRITE:
        co_return co_await wait(tcp::socket::wait_write);
    case SSL_ERROR_ZERO_RETURN:
        co_return error_code{asio::error::eof};
    case SSL_ERROR_SYSCALL:
        co_return errno == 0 ? error_code{asio::error::connection_reset} : last_system_error();
    default:
        break;
    }
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    tls_error_ = reason != nullptr ? reason : "unknown TLS error";
    ERR_clear_error();
    co_return error_code{EPROTO, boost::system::system_category()};
}

bool Stream::has_pending() const
{
    return ssl_ && SSL_has_pending(ssl_.get()) == 1;
}

asio::awaitable<error_code> Stream::wait_until_readable()
{
    if (!has_pending()) co_return co_await wait(tcp::socket::wait_read);
    // A client that keeps sending must let the others have their turn all the same.
    co_await asio::post(socket_.get_executor(), use_awaitable);
    co_return error_code{};
}

asio::awaitable<Result<std::size_t>> Stream::read_some(std::span<char> into)
{
    while (true) {
        if (ssl_) {
            ERR_clear_error();
            errno = 0;
            std::size_t got = 0;
            may_receive_ = true;
            const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
            if (result == 1) {
                tls_bytes_ = 0;
                co_return got;
            }
            const error_code failure = co_await wait_for_tls(result);
            if (failure) co_return failure;
        } else {
            const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
            if (got > 0) co_return static_cast<std::size_t>(got);
            if (got == 0) co_return error_code{asio::error::eof};
            if (!would_block(errno)) co_return last_system_error();
            const error_code failure = co_await wait(tcp::socket::wait_read);
            if (failure) co_return failure;
        }
    }
}

asio::awaitable<error_code> Stream::write_all(std::string_view bytes)
{
    while (!bytes.empty()) {
        if (ssl_) {
            ERR_clear_error();
            errno = 0;
            std::size_t written = 0;
            const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
            if (result != 1) {
                const error_code failure = co_await wait_for_tls(result);
                if (failure) co_return failure;
            }
            bytes.remove_prefix(written);
            bytes_sent_ += written;
        } else {
            const ssize_t written = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (written >= 0) {
                bytes.remove_prefix(static_cast<std::size_t>(written));
                bytes_sent_ += static_cast<std::size_t>(written);
                continue;
            }
            if (!would_block(errno)) co_return last_system_error();
            const error_code failure = co_await wait(tcp::socket::wait_write);
            if (failure) co_return failure;
        }
    }
    co_return error_code{};
}

void Stream::write_at_once(std::string_view bytes)
{
    if (!ssl_) {
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } else if (SSL_is_init_finished(ssl_.get()) == 1) {
        ERR_clear_error();
        SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    }
}

asio::awaitable<error_code> Stream::start_tls(TlsContext context)
{
    context_ = std::move(context);
    ssl_.reset(SSL_new(context_.get()));
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1)
        co_return error_code{ENOMEM, boost::system::system_category()};
    BIO_set_callback_ex(SSL_get_rbio(ssl_.get()), &Stream::on_receiving);
    BIO_set_callback_arg(SSL_get_rbio(ssl_.get()), reinterpret_cast<char*>(this));
    tls_bytes_ = 0;
    while (true) {
        ERR_clear_error();
        errno = 0;
        may_receive_ = true;
        const int result = SSL_accept(ssl_.get());
        if (result == 1) co_return error_code{};
        const error_code failure = co_await wait_for_tls(result);
        if (failure) co_return failure;
    }
}

asio::awaitable<error_code> Stream::stop_tls()
{
    // The client's own close_notify has to be read through TLS; what else it sends before that is not for us
    // any more.
    std::array<char, 4096> discarded;
    ERR_clear_error();
    SSL_set_read_ahead(ssl_.get(), 0); // what comes in clear behind it must stay in the socket
    SSL_shutdown(ssl_.get());
    while (true) {
        const auto got = co_await read_some(discarded);
        if (got) continue;
        if (got.error() != asio::error::eof) co_return got.error();
        ssl_.reset();
        co_return error_code{};
    }
}

void Stream::finish_sending()
{
    if (ssl_ && SSL_is_init_finished(ssl_.get()) == 1) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

TlsVersion Stream::tls_version() const
{
    if (!ssl_) return TlsVersion::none;
    return SSL_version(ssl_.get()) == TLS1_3_VERSION ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
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
    error_code ignored;
    socket_.cancel(ignored);
}

void Stream::close()
{
    error_code ignored;
    socket_.close(ignored);
}

} // namespace ftpc::server
