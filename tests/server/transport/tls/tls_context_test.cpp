// Which certificates and keys the server takes, and which clients get a TLS connection.
#include "server/transport/tls/tls_context.hpp"

#include "server/transport/tls/tls_pair.hpp"
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
using test::TlsPair;

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

struct TlsTest : OwnCertificate {
    TlsPair pair{*this};

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
