#include "support/tls_client.hpp"

#include <array>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ftpc::test {

namespace {

void require(bool holds, const char* what)
{
    if (!holds) throw std::runtime_error{what};
}

} // namespace

void TlsClient::Free::operator()(SSL* ssl) const
{
    SSL_free(ssl);
}

void TlsClient::Free::operator()(SSL_CTX* context) const
{
    SSL_CTX_free(context);
}

TlsClient::TlsClient() : context_{SSL_CTX_new(TLS_client_method())}, ssl_{SSL_new(context_.get())}
{
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
}

bool TlsClient::shake_hands()
{
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    require(result == 1 || SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ, "the handshake failed");
    gather();
    return result == 1;
}

void TlsClient::write(std::string_view text)
{
    if (text.empty()) return;
    ERR_clear_error();
    std::size_t written = 0;
    require(SSL_write_ex(ssl_.get(), text.data(), text.size(), &written) == 1 && written == text.size(),
            "the client cannot write");
    gather();
}

void TlsClient::update_key(bool wants_answer)
{
    ERR_clear_error();
    require(SSL_key_update(ssl_.get(),
                           wants_answer ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
                SSL_do_handshake(ssl_.get()) == 1,
            "the client cannot update its key");
    gather();
}

void TlsClient::close_notify()
{
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    gather();
}

std::string TlsClient::take(std::size_t most)
{
    std::string taken = outgoing_.substr(0, most);
    outgoing_.erase(0, taken.size());
    return taken;
}

void TlsClient::receive(std::string_view bytes)
{
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
}

std::string TlsClient::read()
{
    std::string text;
    std::array<char, 4096> buffer{};
    std::size_t got = 0;
    ERR_clear_error();
    int result = 0;
    while ((result = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &got)) == 1)
        text.append(buffer.data(), got);
    const int error = SSL_get_error(ssl_.get(), result);
    require(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN, "the client cannot read");
    gather();
    return text;
}

bool TlsClient::server_has_finished() const
{
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

ChannelBinding TlsClient::channel_binding() const
{
    ChannelBinding binding;
    require(SSL_export_keying_material(ssl_.get(), binding.data(), binding.size(),
                                       channel_binding_label.data(), channel_binding_label.size(), nullptr, 0,
                                       0) == 1,
            "the client has no channel binding");
    return binding;
}

void TlsClient::gather()
{
    std::array<char, 4096> buffer{};
    int got = 0;
    while ((got = BIO_read(SSL_get_wbio(ssl_.get()), buffer.data(), buffer.size())) > 0)
        outgoing_.append(buffer.data(), static_cast<std::size_t>(got));
}

} // namespace ftpc::test
