// Which certificates and keys the server takes, and which clients get a TLS connection.
#include "server/transport/tls_context.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/own_certificate.hpp"

#include <array>
#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

using namespace ftpc;
using namespace ftpc::server;
using test::OwnCertificate;

namespace {

std::string refusal(const std::string& certificate, const std::string& key)
{
    try {
        make_tls_context(certificate, key);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

std::string encrypted(const std::string& key_pem)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> in{
        BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())), BIO_free};
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
        PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free};
    const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), BIO_free};
    std::string word = "word";
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), EVP_aes_128_cbc(), word.data(),
                                          static_cast<int>(word.size()), nullptr, nullptr) == 1);
    char* text = nullptr;
    const auto bytes = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(bytes)};
}

// A client and the server in one process, joined by memory.
class Pair {
public:
    explicit Pair(const OwnCertificate& own)
        : server_context_{make_tls_context(own.certificate(), own.key(), "\3ftp")},
          client_context_{SSL_CTX_new(TLS_client_method()), SSL_CTX_free}
    {
        // The client is as lax as it can be, so that it is the server who refuses.
        SSL_CTX_set_security_level(client_context_.get(), 0);
        SSL_CTX_set_min_proto_version(client_context_.get(), TLS1_VERSION);
    }

    SSL_CTX* client_context() { return client_context_.get(); }

    bool shake_hands()
    {
        server_.reset(SSL_new(server_context_.get()));
        client_.reset(SSL_new(client_context_.get()));
        BIO* server_end = nullptr;
        BIO* client_end = nullptr;
        REQUIRE(BIO_new_bio_pair(&server_end, 0, &client_end, 0) == 1);
        SSL_set_bio(server_.get(), server_end, server_end);
        SSL_set_bio(client_.get(), client_end, client_end);
        SSL_set_accept_state(server_.get());
        SSL_set_connect_state(client_.get());
        return drive();
    }

    // Lets both work until neither gets any further; whether both have finished their handshake.
    bool drive()
    {
        bool server_done = false;
        bool client_done = false;
        for (int i = 0; i < 20; ++i) {
            client_done = SSL_do_handshake(client_.get()) == 1;
            server_done = SSL_do_handshake(server_.get()) == 1;
        }
        ERR_clear_error();
        return server_done && client_done;
    }

    // Application data from the client to the server, and with it anything else under way.
    std::string send(const std::string& text)
    {
        std::array<char, 64> received{};
        SSL_write(client_.get(), text.data(), static_cast<int>(text.size()));
        const int got = SSL_read(server_.get(), received.data(), static_cast<int>(received.size()));
        ERR_clear_error();
        return got > 0 ? std::string{received.data(), static_cast<std::size_t>(got)} : std::string{};
    }

    SSL* client() { return client_.get(); }
    std::string version() const { return SSL_get_version(server_.get()); }
    std::string protocol() const
    {
        const unsigned char* name = nullptr;
        unsigned bytes = 0;
        SSL_get0_alpn_selected(client_.get(), &name, &bytes);
        return name == nullptr ? std::string{} : std::string{reinterpret_cast<const char*>(name), bytes};
    }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    TlsContext server_context_;
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client_context_;
    std::unique_ptr<SSL, Free> server_;
    std::unique_ptr<SSL, Free> client_;
};

struct TlsTest : OwnCertificate {
    Pair pair{*this};

    void offer_versions(int least, int most)
    {
        SSL_CTX_set_min_proto_version(pair.client_context(), least);
        SSL_CTX_set_max_proto_version(pair.client_context(), most);
    }
    void offer_protocols(const std::string& wire)
    {
        SSL_CTX_set_alpn_protos(pair.client_context(), reinterpret_cast<const unsigned char*>(wire.data()),
                                static_cast<unsigned>(wire.size()));
    }
};

} // namespace

TEST_CASE_METHOD(OwnCertificate, "a certificate with its key is taken, also with a chain behind it")
{
    CHECK(refusal(certificate(), key()) == "accepted");
    CHECK(refusal(certificate() + OwnCertificate{}.certificate(), key()) == "accepted");
}

TEST_CASE_METHOD(OwnCertificate, "the key of another certificate is refused")
{
    CHECK_THAT(refusal(certificate(), OwnCertificate{}.key()), test::contains("not that of the certificate"));
}

TEST_CASE_METHOD(OwnCertificate, "an encrypted key is refused instead of asking for its passphrase")
{
    CHECK_THAT(refusal(certificate(), encrypted(key())), test::contains("without a passphrase"));
}

TEST_CASE_METHOD(OwnCertificate, "a file that is no certificate or no key is refused")
{
    for (const std::string& junk :
         {std::string{}, std::string{"junk"}, std::string(1000, '\0'), key(), certificate().substr(0, 200)}) {
        CHECK_THAT(refusal(junk, key()), test::contains("certificate"));
    }
    for (const std::string& junk : {std::string{}, std::string{"junk"}, certificate(), key().substr(0, 60)}) {
        CHECK_THAT(refusal(certificate(), junk), test::contains("key"));
    }
}

TEST_CASE_METHOD(TlsTest, "a client gets TLS 1.3, or 1.2 if it has no better")
{
    CHECK(pair.shake_hands());
    CHECK(pair.version() == "TLSv1.3");
    CHECK(pair.send("USER alice\r\n") == "USER alice\r\n");
    offer_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    CHECK(pair.shake_hands());
    CHECK(pair.version() == "TLSv1.2");
}

TEST_CASE_METHOD(TlsTest, "TLS 1.1 and older are refused")
{
    offer_versions(TLS1_VERSION, TLS1_1_VERSION);
    CHECK_FALSE(pair.shake_hands());
}

TEST_CASE_METHOD(TlsTest, "TLS 1.2 without an AEAD cipher or without ECDHE is refused")
{
    offer_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    for (const char* const ciphers :
         {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "AES128-GCM-SHA256", "aNULL"}) {
        INFO(ciphers);
        REQUIRE(SSL_CTX_set_cipher_list(pair.client_context(), ciphers) == 1);
        CHECK_FALSE(pair.shake_hands());
    }
    REQUIRE(SSL_CTX_set_cipher_list(pair.client_context(), "ECDHE-ECDSA-CHACHA20-POLY1305") == 1);
    CHECK(pair.shake_hands());
}

TEST_CASE_METHOD(TlsTest, "a client that names protocols must name ftp")
{
    offer_protocols(std::string{"\x08http/1.1\x03"
                                "ftp"});
    CHECK(pair.shake_hands());
    CHECK(pair.protocol() == "ftp");
    offer_protocols(std::string{"\x08http/1.1"});
    CHECK_FALSE(pair.shake_hands());
    offer_protocols(std::string{"\x04"
                                "ftps"});
    CHECK_FALSE(pair.shake_hands());
}

TEST_CASE_METHOD(TlsTest, "a client cannot renegotiate")
{
    offer_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    REQUIRE(pair.shake_hands());
    REQUIRE(SSL_renegotiate(pair.client()) == 1);
    SSL_do_handshake(pair.client());
    CHECK(pair.send("").empty());
    SSL_do_handshake(pair.client());
    CHECK(SSL_renegotiate_pending(pair.client()) == 1); // it never came about
    ERR_clear_error();
}

TEST_CASE_METHOD(TlsTest, "no tickets are given out")
{
    REQUIRE(pair.shake_hands());
    std::array<char, 8> nothing{};
    CHECK(SSL_read(pair.client(), nothing.data(), static_cast<int>(nothing.size())) <= 0);
    CHECK(SSL_SESSION_has_ticket(SSL_get0_session(pair.client())) == 0);
    offer_versions(TLS1_2_VERSION, TLS1_2_VERSION);
    REQUIRE(pair.shake_hands());
    CHECK(SSL_SESSION_has_ticket(SSL_get0_session(pair.client())) == 0);
    ERR_clear_error();
}
