#include "server/transport/tls_context.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <stdexcept>
#include <string>

namespace ftpc::server {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

[[noreturn]] void fail(const std::string& what)
{
    std::array<char, 256> detail{};
    const unsigned long error = ERR_get_error();
    ERR_error_string_n(error, detail.data(), detail.size());
    ERR_clear_error();
    throw std::runtime_error{error == 0 ? what : what + " (" + detail.data() + ")"};
}

Bio memory(std::string_view text)
{
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

[[noreturn]] void fail_without_detail(const std::string& what)
{
    ERR_clear_error();
    fail(what);
}

void use_certificate_chain(SSL_CTX* context, std::string_view pem)
{
    const Bio in = memory(pem);
    const Certificate leaf{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free};
    if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1)
        fail("the certificate is not a usable PEM certificate");
    while (X509* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            fail("a certificate of the chain cannot be used");
        }
    ERR_clear_error(); // the end of the file is reported as an error
}

void use_key(SSL_CTX* context, std::string_view pem)
{
    // An encrypted key would make OpenSSL ask at the terminal; a server has none.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    const Bio in = memory(pem);
    const Key key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free};
    if (!key) fail("the key is not a PEM private key without a passphrase");
    if (X509_check_private_key(SSL_CTX_get0_certificate(context), key.get()) != 1)
        fail_without_detail("the key is not that of the certificate");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) fail("the key is of a kind that cannot be used");
}

// RFC 7301 §3.2: a client that speaks something else, such as a browser led here, is turned away.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_bytes, const unsigned char* offered,
                    unsigned offered_bytes, void* protocol)
{
    const std::string_view ours{static_cast<const char*>(protocol)};
    unsigned char* chosen = nullptr;
    const int result =
        SSL_select_next_proto(&chosen, out_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                              static_cast<unsigned>(ours.size()), offered, offered_bytes);
    *out = chosen;
    // protection: alpn
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

TlsContext make_tls_context(std::string_view certificate_pem, std::string_view key_pem, const char* alpn)
{
    TlsContext context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    if (!context) fail("TLS cannot be set up");
    SSL_CTX* const ctx = context.get();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET);
    // Overrides the system's configuration: an end without close_notify is an error.
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    // An idle session keeps no record buffers; replies may move between two tries of a write.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1);     // a record in one read(2) instead of two
    SSL_CTX_set_max_early_data(ctx, 0); // it can be replayed (RFC 8446 §8)
    // protection: ciphers
    if (SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
        SSL_CTX_set_ciphersuites(
            ctx, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
        fail("the ciphers of this server are not in the TLS library");
    if (alpn != nullptr) SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, const_cast<char*>(alpn));
    use_certificate_chain(ctx, certificate_pem);
    use_key(ctx, key_pem);
    return context;
}

} // namespace ftpc::server
