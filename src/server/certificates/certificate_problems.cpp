#include "server/certificates/certificate_problems.hpp"

#include "server/certificates/certificate.hpp"
#include "server/certificates/machine_names.hpp"
#include "server/log/log.hpp"
#include "server/transport/tls/pem.hpp"
#include "shared/base/text.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/base/utc_time.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/files/file.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace ftpc::server {

namespace {

using Names = std::set<std::string>;

constexpr std::size_t most_asked_names = 4; // each may take the name service some seconds

// ---- the certificate alone

std::string time_problem(const Settings& settings, const std::string& pem, std::chrono::sys_seconds now)
{
    const std::string problem = validity_problem(pem, now);
    if (problem.empty()) return {};
    constexpr std::string_view renewal = "; `ftpcd serve` makes it anew with the same key at its start and "
                                         "after a reload, if the clock of this machine is right";
    constexpr std::string_view advice = "; put another in its place, or set the clock of this machine right";
    return problem + std::string{settings.certificate.empty() ? renewal : advice};
}

std::string purpose_problem(X509* leaf)
{
    const std::uint32_t flags = X509_get_extension_flags(leaf);
    const bool for_servers = (flags & EXFLAG_XKUSAGE) == 0 ||
                             (X509_get_extended_key_usage(leaf) & (XKU_SSL_SERVER | XKU_ANYEKU)) != 0;
    if (!for_servers) return "is not for servers: its extended key usage lacks serverAuth";
    if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
        return "is not for TLS 1.3: its key usage lacks digitalSignature";
    const bool of_authority = (flags & EXFLAG_CA) != 0 && (flags & EXFLAG_SS) == 0;
    return of_authority ? "is that of an authority (CA:TRUE), which clients do not take for a server" : "";
}

bool has_issued(X509* issuer, X509* certificate)
{
    const bool has = X509_check_issued(issuer, certificate) == X509_V_OK &&
                     X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return has;
}

std::string chain_problem(const std::vector<Certificate>& chain)
{
    for (std::size_t i = 1; i < chain.size(); ++i)
        if (!has_issued(chain[i].get(), chain[i - 1].get()))
            return "certificate " + std::to_string(i + 1) + " of the chain, " + subject_of(chain[i].get()) +
                   ", has not issued the one before it; the server's own must come first, and behind each "
                   "its issuer";
    X509* const last = chain.back().get();
    // Authorities that the public trusts never issue with the certificate that clients have.
    const bool names_issuer = X509_get_ext_by_NID(last, NID_info_access, -1) >= 0;
    if (chain.size() > 1 || has_issued(last, last) || !names_issuer) return {};
    return "comes without the certificate of its issuer; put that behind it in the file (fullchain.pem)";
}

// ---- names

std::string text_of(const ASN1_STRING* string)
{
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
            static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string address_text(const ASN1_STRING* bytes)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = ASN1_STRING_length(bytes) == sizeof(in_addr) ? AF_INET : AF_INET6;
    const int size = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
    if (ASN1_STRING_length(bytes) != size) return {};
    ::inet_ntop(family, ASN1_STRING_get0_data(bytes), text.data(), text.size());
    return text.data();
}

struct CertificateNames {
    Names names;
    Names addresses;
};

void add_common_name(const X509* leaf, Names& names)
{
    const X509_NAME* const subject = X509_get_subject_name(leaf);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at >= 0) names.insert(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

// The common name counts if there is no other (RFC 6125 §6.4.4).
CertificateNames names_of(const X509* leaf)
{
    CertificateNames found;
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free};
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        int type = 0;
        const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
        if (type == GEN_DNS) found.names.insert(text_of(static_cast<const ASN1_STRING*>(value)));
        if (type == GEN_IPADD) found.addresses.insert(address_text(static_cast<const ASN1_STRING*>(value)));
    }
    if (found.names.empty() && found.addresses.empty()) add_common_name(leaf, found.names);
    return found;
}

// The names by which clients call this machine, as far as it knows, and its addresses as text.
Names known_names(const Settings& settings)
{
    Names names = interface_addresses();
    names.insert({"localhost", host_name()});
    for (const std::string& where : settings.listen) {
        std::string host = where.substr(0, where.rfind(':'));
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        names.insert(host);
    }
    names.erase("");
    return names;
}

std::string first_label(const std::string& name)
{
    return name.substr(0, name.find('.'));
}

// One with a wildcard is for several machines, of which this may be one.
bool is_known(const std::string& name, const Names& known)
{
    const std::string host = first_label(host_name());
    return name.starts_with('*') ||
           (!host.empty() && ::strcasecmp(first_label(name).c_str(), host.c_str()) == 0) ||
           std::any_of(known.begin(), known.end(),
                       [&](const std::string& k) { return ::strcasecmp(k.c_str(), name.c_str()) == 0; });
}

// Not of a private network (RFC 1918, RFC 6598), of the machine itself or of one link.
bool is_public_ipv4(const std::string& text)
{
    in_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) != 1) return false;
    const std::uint32_t number = ntohl(address.s_addr);
    constexpr std::array<std::pair<std::uint32_t, unsigned>, 7> others{{{0x0A000000, 8},
                                                                        {0xAC100000, 12},
                                                                        {0xC0A80000, 16},
                                                                        {0x64400000, 10},
                                                                        {0x7F000000, 8},
                                                                        {0xA9FE0000, 16},
                                                                        {0x00000000, 8}}};
    return std::none_of(others.begin(), others.end(), [&](const auto& network) {
        return number >> (32 - network.second) == network.first >> (32 - network.second);
    });
}

// A router may lead a public address here, if this machine has none itself.
bool may_lead_here(const std::string& address, const Names& known)
{
    if (known.contains(address)) return true;
    return is_public_ipv4(address) && std::none_of(known.begin(), known.end(), is_public_ipv4);
}

bool resolves_to_here(const std::string& name, const Names& known)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (!is_host_name(name) || ::getaddrinfo(name.c_str(), nullptr, &hints, &list) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list, ::freeaddrinfo};
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        ::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST);
        if (may_lead_here(text.data(), known)) return true;
    }
    return false;
}

bool names_this_machine(const CertificateNames& of, const Names& known, NameService name_service)
{
    const auto any = [](const Names& names, const auto& holds) {
        return std::any_of(names.begin(), names.end(), holds);
    };
    if (any(of.names, [&](const auto& name) { return is_known(name, known); }) ||
        any(of.addresses, [&](const auto& address) { return may_lead_here(address, known); }))
        return true;
    if (name_service == NameService::leave) return false;
    std::size_t asked = 0;
    return any(of.names, [&](const auto& name) {
        return ++asked <= most_asked_names && resolves_to_here(name, known);
    });
}

std::string joined(const CertificateNames& of)
{
    Names all = of.names;
    all.insert(of.addresses.begin(), of.addresses.end());
    std::string text;
    for (const std::string& name : all)
        text += (text.empty() ? "" : ", ") + name;
    constexpr std::size_t most_bytes = 200;
    return text.size() <= most_bytes ? text : text.substr(0, most_bytes) + "...";
}

std::string name_problem(const Settings& settings, const X509* leaf, NameService name_service)
{
    const CertificateNames of = names_of(leaf);
    if (of.names.empty() && of.addresses.empty()) return "is for no name; clients that check names refuse it";
    if (names_this_machine(of, known_names(settings), name_service)) return {};
    const std::string host = host_name();
    return "is for " + joined(of) + ", and this machine is called " + (host.empty() ? "localhost" : host) +
           "; clients that check names refuse it, unless they connect to a name that it is for";
}

// ---- files

std::string owner_problem(const std::string& key_file)
{
    struct stat status {};
    if (::stat(key_file.c_str(), &status) != 0 || status.st_uid == 0 || status.st_uid == ::geteuid())
        return {};
    return "belongs to another user (" + std::to_string(status.st_uid) +
           "), who can read it; mend it with: chown " +
           (::geteuid() == 0 ? "root" : std::to_string(::geteuid())) + " " + shell_word(key_file);
}

// Programs that take one file for both put the key in it.
std::string secret_problem(const std::string& certificate_file)
{
    const UniqueFd file{::open(certificate_file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return {};
    auto text = read_all(file.get(), max_pem_bytes);
    const bool has_key = text && text->find("PRIVATE KEY-----") != std::string::npos;
    if (text) wipe(text->data(), text->size());
    return has_key ? "has the private key in it, and others can read it; mend it with: chmod 600 " +
                         shell_word(certificate_file)
                   : "";
}

std::vector<std::string> of_certificate(const Settings& settings, std::chrono::sys_seconds now,
                                        NameService name_service)
{
    const std::string pem = load_certificate_pem(settings);
    const std::vector<Certificate> chain = parse_certificates(pem);
    X509* const leaf = chain.front().get();
    return {time_problem(settings, pem, now), purpose_problem(leaf), chain_problem(chain),
            name_problem(settings, leaf, name_service)};
}

} // namespace

std::vector<Problem> certificate_problems(const Settings& settings, std::chrono::sys_seconds now,
                                          NameService name_service)
{
    std::vector<Problem> problems;
    const auto add = [&](const std::string& file, const std::string& what) {
        if (!what.empty()) problems.push_back({file, what});
    };
    try {
        for (const std::string& what : of_certificate(settings, now, name_service))
            add(settings.certificate_file(), what);
    } catch (const std::exception&) {
        return {};
    }
    add(settings.certificate_file(), secret_problem(settings.certificate_file()));
    add(settings.key_file(), owner_problem(settings.key_file()));
    return problems;
}

void log_certificate_problems(const Settings& settings)
{
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (const Problem& problem : certificate_problems(settings, now, NameService::leave))
        log_event("certificate-problem", {{"file", problem.where}, {"reason", problem.what}});
}

std::string describe_chain(const Settings& settings)
{
    const std::vector<Certificate> chain = parse_certificates(load_certificate_pem(settings));
    X509* const last = chain.back().get();
    std::string text = subject_of(chain.front().get());
    text += has_issued(last, last)
                ? ", with the certificate that clients have to trust"
                : ", issued by " + issuer_of(last) + ", whose certificate clients need to have";
    return text;
}

} // namespace ftpc::server
