#include "shared/protocol/fingerprint.hpp"

#include "support/catch.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

using namespace ftpc;
using namespace std::string_literals;

namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate certificate(std::string_view pem)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio{
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
    Certificate read{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
    REQUIRE(read);
    return read;
}

// Two certificates for one P-256 key, and one for another; made with `openssl req -x509`. The fingerprints
// come from `openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary |
// base64`.
constexpr std::string_view first = R"(-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUCFoGnv8j7tIslhmHf1eY17g4jGgwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFZmlyc3QwIBcNMjYxMTIyMTAwMzI0WhgPMjEyNjEwMjkxMDAz
MjRaMBAxDjAMBgNVBAMMBWZpcnN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
HY45ckRR3FumxQ/KrtlAb8if57Iqnea5J151zKkh7pQv7LLtPuQJ4DHBPWxxVDFq
gadgOcZdPxmdpRFFGIHWJKNTMFEwHQYDVR0OBBYEFP0hQfRrOo4/KY9w5tiNkVeP
icWUMB8GA1UdIwQYMBaAFP0hQfRrOo4/KY9w5tiNkVePicWUMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgS4dvyAuH6whZr398PRHjxUnS4EkmG0ec
Q72305KUzWQCIQCNnbOoDOoaJVPbUlmop9aS0rMPkHUKqrb8e8m/UxLH7Q==
-----END CERTIFICATE-----
)";
constexpr std::string_view renewed = R"(-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUB5C4Nc+6+yzbPPFhXSAQkaa6/0gwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHcmVuZXdlZDAgFw0yNjExMjIxMDAzMjRaGA8yMTI2MTAyOTEw
MDMyNFowEjEQMA4GA1UEAwwHcmVuZXdlZDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABB2OOXJEUdxbpsUPyq7ZQG/In+eyKp3muSdedcypIe6UL+yy7T7kCeAxwT1s
cVQxaoGnYDnGXT8ZnaURRRiB1iSjUzBRMB0GA1UdDgQWBBT9IUH0azqOPymPcObY
jZFXj4nFlDAfBgNVHSMEGDAWgBT9IUH0azqOPymPcObYjZFXj4nFlDAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCtIkY2Sm3LMFOLjsL7+K+tPiCG
cmDNjfj/5n3k/bU/FwIgQhbjWP3o/+iW3TwF4H6FDMJja9AIWGK8MqlN27XFf+A=
-----END CERTIFICATE-----
)";
constexpr std::string_view other = R"(-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUBOZ9oPGP4O9RBL7hl79ZmnsmLaYwCgYIKoZIzj0EAwIw
EDEOMAwGA1UEAwwFb3RoZXIwIBcNMjYxMTIyMTAwMzI0WhgPMjEyNjEwMjkxMDAz
MjRaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
DxbJZeuFlKuyB/+h7SkuzKy3LHiMfxK0IwRcdv7iGQcoRVOZ0Oa5WuyOYhJbL/Aa
RQnz5lGD1B4ScpD3lWDWA6NTMFEwHQYDVR0OBBYEFNHlIMarwZvvBg8eE3F0k5iz
7ut6MB8GA1UdIwQYMBaAFNHlIMarwZvvBg8eE3F0k5iz7ut6MA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgNvnZ5ZTp6B8+Ah5YJOfoXy8z63XkrWP9
Dr+msGZXDAsCIQDhPKxbmG6F/uFUwPxQH/JI9WFfqsnVFtwUGJGBXKF7+A==
-----END CERTIFICATE-----
)";
constexpr std::string_view first_fingerprint = "SHA256:Mbxecwix7jy/tRclI9lwwOm6uJhNwkC2BnKgYMf3eVE";
constexpr std::string_view other_fingerprint = "SHA256:+Yqpc2Yb46csff0sO8oxbmkIgYHLHocg71HX8xt8JnY";

} // namespace

TEST_CASE("a fingerprint is the openssl command's digest of the public key")
{
    CHECK(fingerprint(certificate(first).get()) == first_fingerprint);
}

TEST_CASE("a renewed certificate keeps its fingerprint, another key has another")
{
    CHECK(fingerprint(certificate(renewed).get()) == first_fingerprint);
    CHECK(fingerprint(certificate(other).get()) == other_fingerprint);
}

TEST_CASE("a fingerprint in text is SHA256: and the base64 of 32 bytes")
{
    CHECK(is_fingerprint(first_fingerprint));
    const std::string good{first_fingerprint};
    for (const auto& text :
         {""s, "SHA256:"s, good + "="s, good + "A"s, good.substr(0, good.size() - 1), " "s + good,
          "sha256:"s + good.substr(7), good.substr(7), "MD5:"s + good.substr(7)}) {
        CAPTURE(text);
        CHECK(!is_fingerprint(text));
    }
}
