#include "server/transport/tls/pem.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace ftpc::server {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

Bio memory(std::string_view text)
{
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::string to_text(const Bio& bio)
{
    char* data = nullptr;
    const long bytes = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(bytes)};
}

std::string to_text(const X509_NAME* name)
{
    const Bio text{BIO_new(BIO_s_mem()), BIO_free};
    X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return to_text(text);
}

// Editors of Windows put it in front (RFC 3629 §6).
std::string_view without_byte_order_mark(std::string_view text)
{
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

// DER, and PKCS #12 in it, begins with a SEQUENCE (X.690 §8.9) and has tags that no text has.
bool is_binary(std::string_view text)
{
    return text.starts_with('\x30') && text.find_first_of("\x01\x02\x03\x04") != std::string_view::npos;
}

// The first line of a block that never came, or a part of it.
bool ends_in_first_line(std::string_view text)
{
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    const auto line = text.substr(text.rfind('\n') + 1);
    return line.starts_with("-") && !line.starts_with("-----END ");
}

bool only_ended(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

[[noreturn]] void fail_at(std::size_t number)
{
    throw std::runtime_error{
        (number == 1 ? "the PEM certificate" : "certificate " + std::to_string(number) + " of the chain") +
        " is damaged or was cut off; put the whole file in its place"};
}

// As `openssl pkey` shows it; empty if it has no name.
std::string curve_of(EVP_PKEY* key)
{
    std::array<char, 80> name{};
    std::size_t bytes = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &bytes) != 1) return {};
    return {name.data(), bytes};
}

std::string why_unusable(EVP_PKEY* key)
{
    constexpr std::string_view instead =
        "; TLS clients take ECDSA on P-256, P-384 or P-521, RSA of 2048 bits or "
        "more, and Ed25519";
    constexpr std::array<std::string_view, 3> curves{"prime256v1", "secp384r1", "secp521r1"};
    constexpr int least_rsa_bits = 2048;
    std::string words;
    switch (key == nullptr ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return {};
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        if (EVP_PKEY_get_bits(key) >= least_rsa_bits) return {};
        words = "an RSA key of " + std::to_string(EVP_PKEY_get_bits(key)) + " bits";
        break;
    case EVP_PKEY_EC:
        words = curve_of(key);
        if (std::find(curves.begin(), curves.end(), words) != curves.end()) return {};
        words = words.empty() ? "a key on a curve without a name" : "a key on the curve " + words;
        break;
    default:
        words = "a key of a kind that TLS does not know";
    }
    return "has " + words + ", which no client can use" + std::string{instead};
}

bool is_self_signed(X509* certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

} // namespace

void FreeCertificate::operator()(X509* certificate) const noexcept
{
    X509_free(certificate);
}

void FreeKey::operator()(EVP_PKEY* key) const noexcept
{
    EVP_PKEY_free(key);
}

std::vector<Certificate> parse_certificates(std::string_view pem)
{
    if (is_binary(pem))
        throw std::runtime_error{
            "not a PEM certificate but a binary file (DER or PKCS #12); `openssl x509 -inform DER` and "
            "`openssl pkcs12` make PEM of it"};
    const std::string_view text = without_byte_order_mark(pem);
    const Bio in = memory(text);
    std::vector<Certificate> all;
    ERR_clear_error();
    while (X509* const next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr))
        all.emplace_back(next);
    const bool ended = only_ended(ERR_peek_last_error());
    ERR_clear_error();
    // protection: whole-chain
    if (!ended || ends_in_first_line(text)) fail_at(all.size() + 1);
    if (all.empty()) throw std::runtime_error{"not a PEM certificate"};
    return all;
}

PrivateKey parse_private_key(std::string_view pem)
{
    // An encrypted key would make OpenSSL ask at the terminal; a server has none.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    const Bio in = memory(without_byte_order_mark(pem));
    PrivateKey key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr)};
    ERR_clear_error();
    if (key) return key;
    if (pem.find("ENCRYPTED") != std::string_view::npos)
        throw std::runtime_error{"encrypted, and nobody can type its passphrase here; `openssl pkey` makes a "
                                 "PEM private key without a passphrase of it"};
    if (is_binary(pem))
        throw std::runtime_error{
            "not a PEM private key but a binary file; `openssl pkey -inform DER` makes PEM of it"};
    throw std::runtime_error{"not a PEM private key without a passphrase"};
}

std::string certificate_text(const X509* certificate)
{
    const Bio out{BIO_new(BIO_s_mem()), BIO_free};
    if (!out || PEM_write_bio_X509(out.get(), certificate) != 1) throw std::bad_alloc{};
    return to_text(out);
}

std::string subject_of(const X509* certificate)
{
    return to_text(X509_get_subject_name(certificate));
}

std::string issuer_of(const X509* certificate)
{
    return to_text(X509_get_issuer_name(certificate));
}

std::string why_unusable(X509* certificate)
{
    // protection: usable-key
    if (std::string words = why_unusable(X509_get0_pubkey(certificate)); !words.empty()) return words;
    constexpr int least_security_bits = 80; // SHA-1 has 63 (OpenSSL, X509_get_signature_info(3))
    int bits = 0;
    const bool known = X509_get_signature_info(certificate, nullptr, nullptr, &bits, nullptr) == 1;
    if (is_self_signed(certificate) || !known || bits >= least_security_bits) return {};
    return std::string{"is signed with "} + OBJ_nid2ln(X509_get_signature_nid(certificate)) +
           ", which clients refuse; have it signed with SHA-256";
}

} // namespace ftpc::server
