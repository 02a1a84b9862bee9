#include "server/certificates/certificate.hpp"

#include "server/certificates/machine_names.hpp"
#include "server/log/log.hpp"
#include "server/transport/tls/pem.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/base/utc_time.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file.hpp"
#include "shared/protocol/fingerprint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace ftpc::server {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Extension = std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)>;
using Names = std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)>;

constexpr int valid_days = 397;
constexpr std::chrono::hours renew_before{24 * 30};
constexpr std::chrono::hours valid_before_made{24}; // for clients whose clock is behind
// A clock that says less is wrong: the program is younger. Machines without a battery start with such a
// clock. Every certificate is from the future then, and none is made anew for that.
constexpr std::chrono::sys_days program_made{std::chrono::year{2026} / 1 / 1};

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

// `act()`; what is wrong then begins with the name of the file.
template <class Act>
auto named(const std::string& file, Act act)
{
    try {
        return act();
    } catch (const std::runtime_error& error) {
        throw std::runtime_error{file + ": " + error.what()};
    }
}

std::vector<Certificate> read_certificates(const std::string& file)
{
    return named(file, [pem = read_pem(file)] { return parse_certificates(pem); });
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
    named(file, [&] { parse_private_key(view(secret)); });
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

SecretText make_key_pem()
{
    const PrivateKey key{EVP_EC_gen("P-256")};
    const Bio out{BIO_new(BIO_s_secmem()), BIO_free};
    require(key && out &&
                PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
            "making a key");
    std::string text = to_text(out);
    SecretText pem = secret_text(text);
    wipe(text.data(), text.size());
    return pem;
}

// Those that clients may call it by: "localhost", and the host name.
std::set<std::string> own_names()
{
    std::set<std::string> names{"localhost", host_name()};
    names.erase("");
    return names;
}

void add_name(GENERAL_NAMES* names, const std::string& name)
{
    std::unique_ptr<GENERAL_NAME, decltype(&GENERAL_NAME_free)> entry{GENERAL_NAME_new(), GENERAL_NAME_free};
    ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
    require(entry && text != nullptr &&
                ASN1_STRING_set(text, name.data(), static_cast<int>(name.size())) == 1,
            "a name");
    GENERAL_NAME_set0_value(entry.get(), GEN_DNS, text);
    require(sk_GENERAL_NAME_push(names, entry.get()) > 0, "a name");
    static_cast<void>(entry.release());
}

void add_address(GENERAL_NAMES* names, const std::string& address)
{
    std::unique_ptr<GENERAL_NAME, decltype(&GENERAL_NAME_free)> entry{GENERAL_NAME_new(), GENERAL_NAME_free};
    ASN1_OCTET_STRING* const bytes = a2i_IPADDRESS(address.c_str());
    require(entry && bytes != nullptr, "an address");
    GENERAL_NAME_set0_value(entry.get(), GEN_IPADD, bytes);
    require(sk_GENERAL_NAME_push(names, entry.get()) > 0, "an address");
    static_cast<void>(entry.release());
}

// Not by way of X509V3_EXT_conf_nid, for which a comma in a name is syntax.
void add_alternative_names(X509* certificate)
{
    const Names names{GENERAL_NAMES_new(), GENERAL_NAMES_free};
    require(names != nullptr, "names");
    for (const std::string& name : own_names())
        add_name(names.get(), name);
    // A machine with a thousand addresses must not get a certificate that is too large to be read.
    constexpr std::size_t most_addresses = 64;
    std::size_t count = 0;
    for (const std::string& address : interface_addresses())
        if (count++ < most_addresses) add_address(names.get(), address);
    require(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1,
            "names");
}

// `value` is a constant in the syntax of X509V3_EXT_conf_nid.
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
    const Certificate certificate{X509_new()};
    X509* const x = certificate.get();
    require(x != nullptr && X509_set_version(x, X509_VERSION_3) == 1, "certificate");
    set_random_serial(x);
    const auto before = std::chrono::seconds{valid_before_made}.count();
    require(X509_gmtime_adj(X509_getm_notBefore(x), -before) != nullptr &&
                X509_time_adj_ex(X509_getm_notAfter(x), valid_days, 0, nullptr) != nullptr,
            "validity");
    constexpr std::size_t max_common_name_bytes = 64; // RFC 5280, ub-common-name
    const std::string host = host_name();
    const std::string name = host.empty() ? "localhost" : host.substr(0, max_common_name_bytes);
    X509_NAME* const subject = X509_get_subject_name(x);
    require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                       0) == 1 &&
                X509_set_issuer_name(x, subject) == 1 && X509_set_pubkey(x, key) == 1,
            "subject");
    add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(x, NID_key_usage, "critical,digitalSignature");
    add_extension(x, NID_ext_key_usage, "serverAuth");
    add_alternative_names(x);
    require(X509_sign(x, key, EVP_sha256()) > 0, "signature");
    return certificate_text(x);
}

std::chrono::sys_seconds to_time_point(const ASN1_TIME* time)
{
    std::tm parts{};
    require(ASN1_TIME_to_tm(time, &parts) == 1, "validity");
    return std::chrono::sys_seconds{std::chrono::seconds{::timegm(&parts)}};
}

// Empty: it can stay.
std::string why_renew(const std::string& certificate_file)
{
    const std::vector<Certificate> chain = read_certificates(certificate_file);
    const Certificate& certificate = chain.front();
    const bool self_signed =
        X509_NAME_cmp(X509_get_issuer_name(certificate.get()), X509_get_subject_name(certificate.get())) == 0;
    // protection: certificate-of-others
    if (chain.size() > 1 || !self_signed) return {}; // an administrator has put it there
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto not_before = to_time_point(X509_get0_notBefore(certificate.get()));
    const auto not_after = to_time_point(X509_get0_notAfter(certificate.get()));
    if (not_before > now && now > program_made) return "it was not valid yet";
    if (not_after - now <= renew_before)
        return "it runs out at " + utc_text(not_after.time_since_epoch().count());
    // protection: renewed-names
    for (const std::string& name : own_names())
        if (X509_check_host(certificate.get(), name.data(), name.size(), 0, nullptr) != 1)
            return "this machine is called " + name + " now";
    return {};
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
    const std::string why = certificate_is_there ? why_renew(settings.certificate_file()) : "";
    if (certificate_is_there && why.empty()) return;
    const SecretText key_pem = read_key_pem(settings.key_file());
    const PrivateKey key = named(settings.key_file(), [&] { return parse_private_key(view(key_pem)); });
    write_pem(directory, "certificate.pem", make_certificate_pem(key.get()), 0644);
    if (certificate_is_there)
        log_event("certificate-made-anew", {{"file", settings.certificate_file()}, {"reason", why}});
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
    std::string pem;
    for (const Certificate& certificate : read_certificates(settings.certificate_file()))
        pem += certificate_text(certificate.get());
    return pem;
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
    const Certificate certificate = std::move(parse_certificates(certificate_pem).front());
    return {fingerprint(certificate.get()),
            certificate_hash(certificate.get(), EVP_sha256()),
            certificate_hash(certificate.get(), EVP_sha1()),
            subject_of(certificate.get()),
            to_time_point(X509_get0_notBefore(certificate.get())),
            to_time_point(X509_get0_notAfter(certificate.get()))};
}

std::string validity_problem(const std::string& certificate_pem, std::chrono::sys_seconds now)
{
    bool first = true;
    for (const Certificate& certificate : parse_certificates(certificate_pem)) {
        const auto problem = validity_problem(certificate.get(), now);
        if (!problem.empty())
            return first ? problem : "the certificate of " + subject_of(certificate.get()) + " " + problem;
        first = false;
    }
    return {};
}

} // namespace ftpc::server
