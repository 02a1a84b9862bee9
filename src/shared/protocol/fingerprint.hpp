// The fingerprint that a server is known by: "SHA256:" and the unpadded base64 of the SHA-256 of its
// certificate's public key. (The key is SubjectPublicKeyInfo in DER, as RFC 7469 §2.4 pins it.) A renewed
// certificate with the same key keeps it.
#pragma once

#include <string>
#include <string_view>

// OpenSSL's own names, declared here so that headers stay free of it.
using X509 = struct x509_st;

namespace ftpc {

// Throws (Errc::crypto_failed) when the certificate's key cannot be encoded.
std::string fingerprint(const X509* certificate);

// "SHA256:" followed by 43 base64 characters that decode to 32 bytes.
bool is_fingerprint(std::string_view text);

} // namespace ftpc
