#include "server/supervisor/certificate.hpp"

#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/base/utc_time.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file.hpp"
#include "shared/protocol/fingerprint.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>
#include <memory>
#include <set>
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace ftpc::server {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Extension = std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)>;

constexpr int valid_days = 397;
constexpr std::chrono::hours renew_before{24 * 30};
constexpr std::chrono::hours valid_before_made{24}; // for clients whose clock is behind
// A clock that says less is wrong: the program is younger. By such a clock, which machines without a battery
// have at their start, every certificate is from the future, and none is made anew for that.
constexpr std::chrono::sys_days program_made{std::chrono::year{2026} / 1 / 1};
constexpr std::size_t max_pem_bytes = std::size_t{30} * 1024;

void require(bool done, const char* what)
{
    if (!done) throw boost::system::system_error{make_error_code(Errc::crypto_failed), what};
}

// ---- files

[[noreturn]] void fail(const std::string& file, const error_code& why)
{
    const bool unsafe = why == Errc::unsafe_permissions;
    throw std::runtime_error{file + ": " + why_not_read(why) +
                             (unsafe ? "; mend it with: chmod 600 " + shell_word(file) : "")};
}

// An administrator's certificate is often a link into a directory that another program keeps, so links are
// followed.
UniqueFd open_pem(const std::string& file)
{
    UniqueFd fd{::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    if (!fd) fail(file, last_system_error());
    return fd;
}

// Names a text that OpenSSL would find no certificate or key in, where the words "not a PEM certificate" help
// nobody. It takes line ends of CR LF, and a byte-order mark.
void require_text(const std::string& file, const std::string& pem)
{
    const bool without_lf = pem.starts_with("-----") && pem.find('\n') == std::string::npos;
    if (!begins_as_utf16(pem) && !without_lf) return;
    if (const TextFault fault = find_text_fault(pem); !fault.what.empty())
        throw std::runtime_error{file + ": " + fault.what};
}

std::string read_pem(const std::string& file)
{
    auto text = read_all(open_pem(file).get(), max_pem_bytes);
    if (!text) fail(file, text.error());
    require_text(file, *text);
    return std::move(*text);
}

SecretText read_key_pem(const std::string& file)
{
    const UniqueFd fd = open_pem(file);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) fail(file, last_system_error());
    // Read access for a group is usual (Debian's ssl-cert); anything for others is not.
    if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0) fail(file, Errc::unsafe_permissions);
    auto text = read_all(fd.get(), max_pem_bytes);
    if (!text) fail(file, text.error());
    require_text(file, *text);
    SecretText secret = secret_text(*text);
    wipe(text->data(), text->size());
    return secret;
}

bool exists(const std::string& file)
{
    return ::access(file.c_str(), F_OK) == 0;
}

void write_pem(const std::string& directory, const char* name, std::string_view pem, mode_t mode)
{
    const UniqueFd dir{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!dir) fail(directory, last_system_error());
    if (const auto written = replace_file(dir.get(), name, pem, mode); !written)
        fail(directory + "/" + name, written.error());
}

// ---- making

std::string to_text(const Bio& bio)
{
    char* data = nullptr;
    const long bytes = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(bytes)};
}

Key parse_key(const SecretText& pem)
{
    // An encrypted key would make OpenSSL ask at the terminal.
    const auto no_passphrase = [](char*, int, int, void*) { return -1; };
    const Bio in{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
    Key key{PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free};
    ERR_clear_error();
    return key;
}

SecretText make_key_pem()
{
    const Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    const Bio out{BIO_new(BIO_s_secmem()), BIO_free};
    require(key && out &&
                PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "making a key");
    std::string text = to_text(out);
    SecretText pem = secret_text(text);
    wipe(text.data(), text.size());
    return pem;
}

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
    return name.data();
}

// "DNS:host,DNS:localhost,IP:192.0.2.1,…" (X509V3_EXT_conf_nid).
std::string alternative_names()
{
    std::set<std::string> addresses{"127.0.0.1", "::1"};
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) == 0) {
        const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, ::freeifaddrs};
        for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
            std::array<char, INET6_ADDRSTRLEN> text{};
            if (i->ifa_addr == nullptr) continue;
            if (i->ifa_addr->sa_family == AF_INET) {
                sockaddr_in address{};
                std::memcpy(&address, i->ifa_addr, sizeof address);
                addresses.insert(::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()));
            } else if (i->ifa_addr->sa_family == AF_INET6) {
                sockaddr_in6 address{};
                std::memcpy(&address, i->ifa_addr, sizeof address);
                if (!IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr))
                    addresses.insert(::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size()));
            }
        }
    }
    std::set<std::string> names{"localhost", host_name()};
    std::string out;
    for (const std::string& name : names)
        out += (out.empty() ? "DNS:" : ",DNS:") + name;
    // A machine with a thousand addresses must not get a certificate that is too large to be read.
    constexpr std::size_t most_addresses = 64;
    std::size_t count = 0;
    for (const std::string& address : addresses)
        if (count++ < most_addresses) out.append(",IP:").append(address);
    return out;
}

void add_extension(X509* certificate, int nid, const char* value)
{
    const Extension extension{X509V3_EXT_conf_nid(nullptr, nullptr, nid, value), X509_EXTENSION_free};
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

void set_random_serial(X509* certificate)
{
    std::array<std::uint8_t, 16> bytes;
    fill_random(bytes);
    bytes[0] &= 0x7F; // RFC 5280 §4.1.2.2: positive, at most 20 octets
    bytes[0] |= 0x01;
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number{BN_bin2bn(bytes.data(), bytes.size(), nullptr),
                                                             BN_free};
    require(number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr,
            "serial number");
}

std::string make_certificate_pem(EVP_PKEY* key)
{
    const Certificate certificate{X509_new(), X509_free};
    X509* const x = certificate.get();
    require(x != nullptr && X509_set_version(x, X509_VERSION_3) == 1, "certificate");
    set_random_serial(x);
    const auto before = std::chrono::seconds{valid_before_made}.count();
    require(X509_gmtime_adj(X509_getm_notBefore(x), -before) != nullptr &&
                X509_time_adj_ex(X509_getm_notAfter(x), valid_days, 0, nullptr) != nullptr,
            "validity");
    const std::string name = host_name();
    X509_NAME* const subject = X509_get_subject_name(x);
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name.substr(0, 64).c_str()), -1,
                                       -1, 0) == 1 &&
                X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1,
            "subject");
    add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x, NID_key_usage, "critical,digitalSignature");
    add_extension(x, NID_ext_key_usage, "serverAuth");
    add_extension(x, NID_subject_alt_name, alternative_names().c_str());
    const Bio out{BIO_new(BIO_s_mem()), BIO_free};
    require(X509_sign(x, key, EVP_sha256()) > 0 && out && PEM_write_bio_X509(out.get(), x) == 1, "signature");
    return to_text(out);
}

bool must_be_renewed(const std::string& certificate_file)
{
    const std::string pem = read_pem(certificate_file);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    try {
        const CertificateDescription found = describe_certificate(pem);
        const bool from_the_future = found.not_before > now && now > program_made;
        return from_the_future || found.not_after - now <= renew_before;
    } catch (const std::exception& error) {
        throw std::runtime_error{certificate_file + ": " + error.what()};
    }
}

// The login service may write in the data directory, too. If it were taken over, root must neither write into
// nor believe a "tls" that it puts there. Its owner cannot change later: the data directory is
// sticky.
void require_own_directory(const std::string& directory)
{
    struct stat status {};
    if (::lstat(directory.c_str(), &status) != 0) {
        if (errno == ENOENT) return;
        fail(directory, last_system_error());
    }
    const bool trusted_owner = status.st_uid == ::geteuid() || status.st_uid == 0;
    if (!S_ISDIR(status.st_mode) || !trusted_owner || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        throw std::runtime_error{directory +
                                 ": must be a directory that only you and root can change, and no link; for "
                                 "another place set certificate and key"};
}

void make_what_is_missing(const Settings& settings)
{
    const std::string directory = settings.data + "/tls";
    // protection: own-tls
    require_own_directory(directory);
    const bool certificate_is_there = exists(settings.certificate_file());
    if (!exists(settings.key_file())) {
        // A new key would mean a new fingerprint, which is not ours to decide.
        if (certificate_is_there)
            throw std::runtime_error{settings.key_file() +
                                     ": missing, though its certificate is there; put it back, or remove " +
                                     settings.certificate_file() +
                                     " to have both made anew (users must then trust the server again)"};
        const SecretText pem = make_key_pem();
        write_pem(directory, "key.pem", view(pem), 0600);
    }
    if (certificate_is_there && !must_be_renewed(settings.certificate_file())) return;
    const Key key = parse_key(read_key_pem(settings.key_file()));
    if (!key) throw std::runtime_error{settings.key_file() + ": not a PEM private key without a passphrase"};
    write_pem(directory, "certificate.pem", make_certificate_pem(key.get()), 0644);
}

// "AB:CD:…"
std::string certificate_hash(const X509* certificate, const EVP_MD* algorithm)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned bytes = 0;
    require(X509_digest(certificate, algorithm, digest.data(), &bytes) == 1, "hash of the certificate");
    std::string text;
    for (unsigned i = 0; i < bytes; ++i) {
        constexpr std::string_view digits = "0123456789ABCDEF";
        if (i > 0) text += ':';
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15];
    }
    return text;
}

std::chrono::sys_seconds to_time_point(const ASN1_TIME* time)
{
    std::tm parts{};
    require(ASN1_TIME_to_tm(time, &parts) == 1, "validity");
    return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
}

// The next certificate of a text in PEM; null when there is none.
Certificate read_next_certificate(BIO* pem)
{
    Certificate certificate{PEM_read_bio_X509(pem, nullptr, nullptr, nullptr), X509_free};
    ERR_clear_error();
    return certificate;
}

std::string subject_of(const X509* certificate)
{
    const Bio subject{BIO_new(BIO_s_mem()), BIO_free};
    X509_NAME_print_ex(subject.get(), X509_get_subject_name(certificate), 0,
                       XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return to_text(subject);
}

std::string validity_problem(const X509* certificate, std::chrono::sys_seconds now)
{
    const auto not_before = to_time_point(X509_get0_notBefore(certificate));
    const auto not_after = to_time_point(X509_get0_notAfter(certificate));
    if (not_before > now) return "is not valid before " + utc_text(not_before.time_since_epoch().count());
    if (not_after < now) return "has expired at " + utc_text(not_after.time_since_epoch().count());
    return {};
}

} // namespace

CertificateFiles load_certificate(const Settings& settings)
{
    return {load_certificate_pem(settings), load_key_pem(settings)};
}

std::string load_certificate_pem(const Settings& settings)
{
    return read_pem(settings.certificate_file());
}

SecretText load_key_pem(const Settings& settings)
{
    return read_key_pem(settings.key_file());
}

CertificateFiles load_or_make_certificate(const Settings& settings)
{
    // Either both are the administrator's, or both are ours.
    if (settings.certificate.empty() != settings.key.empty())
        throw std::runtime_error{"certificate and key are set together or not at all"};
    if (settings.certificate.empty()) make_what_is_missing(settings);
    return load_certificate(settings);
}

CertificateDescription describe_certificate(const std::string& certificate_pem)
{
    const Bio in{BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())), BIO_free};
    const Certificate certificate = read_next_certificate(in.get());
    if (!certificate) throw std::runtime_error{"not a PEM certificate"};
    return {fingerprint(certificate.get()),
            certificate_hash(certificate.get(), EVP_sha256()),
            certificate_hash(certificate.get(), EVP_sha1()),
            subject_of(certificate.get()),
            to_time_point(X509_get0_notBefore(certificate.get())),
            to_time_point(X509_get0_notAfter(certificate.get()))};
}

std::string validity_problem(const std::string& certificate_pem, std::chrono::sys_seconds now)
{
    const Bio in{BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())), BIO_free};
    Certificate certificate = read_next_certificate(in.get());
    if (!certificate) throw std::runtime_error{"not a PEM certificate"};
    for (bool first = true; certificate; certificate = read_next_certificate(in.get()), first = false) {
        const auto problem = validity_problem(certificate.get(), now);
        if (!problem.empty())
            return first ? problem : "the certificate of " + subject_of(certificate.get()) + " " + problem;
    }
    return {};
}

} // namespace ftpc::server
