#include "server/transport/tls/tls_context.hpp"

#include "server/transport/tls/pem.hpp"
#include "server/transport/tls/tls_role.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace ftpc::server {

namespace {

[[noreturn]] void fail(const std::string& what)
{
    std::array<char, 256> detail{};
    const unsigned long error = ERR_get_error();
    ERR_error_string_n(error, detail.data(), detail.size());
    ERR_clear_error();
    throw std::runtime_error{error == 0 ? what : what + " (" + detail.data() + ")"};
}

// "certificate 2 of the chain, CN=Example CA", or "the certificate".
std::string name_in_chain(const std::vector<Certificate>& chain, std::size_t index)
{
    if (index == 0) return "the certificate";
    return "certificate " + std::to_string(index + 1) + " of the chain, " + subject_of(chain[index].get()) +
           ",";
}

void use_certificate_chain(SSL_CTX* context, const std::vector<Certificate>& chain)
{
    for (std::size_t i = 0; i < chain.size(); ++i) {
        X509* const certificate = chain[i].get();
        std::string name = name_in_chain(chain, i);
        if (const std::string why = why_unusable(certificate); !why.empty())
            throw std::runtime_error{name.append(" ").append(why)};
        const bool used = i == 0 ? SSL_CTX_use_certificate(context, certificate) == 1
                                 : SSL_CTX_add1_chain_cert(context, certificate) == 1;
        if (!used) fail(name + " cannot be used");
    }
}

// Another certificate of the chain may be the one that it belongs to.
[[noreturn]] void fail_with_foreign_key(const std::vector<Certificate>& chain, const EVP_PKEY* key)
{
    const auto own = std::find_if(chain.begin(), chain.end(), [&](const Certificate& certificate) {
        return X509_check_private_key(certificate.get(), key) == 1;
    });
    ERR_clear_error();
    fail(own == chain.end() ? "the key is not that of the certificate"
                            : "the key is not that of the first certificate but of certificate " +
                                  std::to_string(own - chain.begin() + 1) +
                                  ", which must come first, and those of the authorities behind it");
}

void use_key(SSL_CTX* context, const std::vector<Certificate>& chain, std::string_view pem)
{
    PrivateKey key;
    try {
        key = parse_private_key(pem);
    } catch (const std::runtime_error& error) {
        fail(std::string{"the key is "} + error.what());
    }
    if (X509_check_private_key(chain.front().get(), key.get()) != 1) fail_with_foreign_key(chain, key.get());
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) fail("the key is of a kind that cannot be used");
}

} // namespace

TlsContext make_tls_context(std::string_view certificate_pem, std::string_view key_pem)
{
    TlsContext context{SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
    if (!context) fail("TLS cannot be set up");
    SSL_CTX* const ctx = context.get();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Overrides the system's configuration: an end without close_notify is an error.
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0); // unless a role says more
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
    follow_roles(ctx);
    const std::vector<Certificate> chain = parse_certificates(certificate_pem);
    use_certificate_chain(ctx, chain);
    use_key(ctx, chain, key_pem);
    return context;
}

} // namespace ftpc::server
