// The server's own certificate: made on first use, renewed with the same key before it runs out.
#pragma once

#include "server/config/settings.hpp"
#include "shared/crypto/secret.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace ftpc::server {

inline constexpr std::size_t max_pem_bytes = std::size_t{30} * 1024; // of a file

struct CertificateFiles {
    std::string certificate_pem;
    SecretText key_pem;
};

// Reads the certificate and key that the settings name. If they name none, DATA/tls/key.pem (ECDSA P-256) and
// a self-signed DATA/tls/certificate.pem are made, unless they are there. It has CA:FALSE, digitalSignature,
// serverAuth, and the machine's names and addresses as SAN; it is valid from a day ago for 397 days. The
// certificate is renewed with the same key, so that its fingerprint holds. That happens if fewer than 30 days
// are left, or if it lacks the present host name of this machine. It also happens if it is not valid yet:
// then the clock was ahead when it was made. Throws std::runtime_error naming the file and what is wrong with
// it.
CertificateFiles load_or_make_certificate(const Settings& settings);

// The same without making or renewing anything.
CertificateFiles load_certificate(const Settings& settings);

// One of the two files. Of that of the certificates nothing else: it may have the key in it as well.
std::string load_certificate_pem(const Settings& settings);
SecretText load_key_pem(const Settings& settings);

struct CertificateDescription {
    std::string fingerprint; // of the key, as ftpc shows it
    std::string sha256;      // of the whole certificate, "AB:CD:…", as other clients show it
    std::string sha1;
    std::string subject;
    // In seconds: finer ones do not reach the year 9999, with which a certificate says that it has no end.
    std::chrono::sys_seconds not_before;
    std::chrono::sys_seconds not_after;
};
// Describes the first certificate. Throws std::runtime_error if one of them cannot be read.
CertificateDescription describe_certificate(const std::string& certificate_pem);

// Why clients refuse a certificate at that time: "is not valid before 2029-08-25T10:15:00Z", "has expired at
// …"; empty if its time is right. Looks at each certificate in the text, those of the authorities above too,
// and names the subject of one that is not the first. Throws as describe_certificate().
std::string validity_problem(const std::string& certificate_pem, std::chrono::sys_seconds now);

} // namespace ftpc::server
