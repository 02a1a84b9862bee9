// Certificates and keys as PEM text, as administrators give them: what is wrong with one is said in words.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// OpenSSL's own names, declared here so that headers stay free of it.
using X509 = struct x509_st;
using EVP_PKEY = struct evp_pkey_st;

namespace ftpc::server {

struct FreeCertificate {
    void operator()(X509* certificate) const noexcept;
};
using Certificate = std::unique_ptr<X509, FreeCertificate>;

struct FreeKey {
    void operator()(EVP_PKEY* key) const noexcept;
};
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

// All certificates of the text, one or more, in their order; other blocks are passed over. Throws
// std::runtime_error if there is none, or if one is damaged or was cut off.
std::vector<Certificate> parse_certificates(std::string_view pem);

// A key without a passphrase. Throws std::runtime_error if there is none.
PrivateKey parse_private_key(std::string_view pem);

// The text of this certificate alone.
std::string certificate_text(const X509* certificate);

// "CN=files.example.org,O=Example"
std::string subject_of(const X509* certificate);
std::string issuer_of(const X509* certificate);

// Why no client can use a certificate with this key or signature: secp256k1, RSA of 1024 bits, MD5. Empty if
// clients can.
std::string why_unusable(X509* certificate);

} // namespace ftpc::server
