#include "server/listening/listening_addresses.hpp"

#include "shared/base/numbers.hpp"
#include "shared/base/result.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

namespace ftpc::server {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct HostAndPort {
    std::string host; // empty: all addresses
    std::string port;
};

// Why `where` is not understood; empty if it is, and `parts` are set.
std::string split(const std::string& where, HostAndPort& parts)
{
    const auto colon = where.rfind(':');
    if (colon == std::string::npos || colon + 1 == where.size())
        return "not of the form ADDRESS:PORT, as in 127.0.0.1:2121 or [::]:2121";
    std::string host = where.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        return "an IPv6 address stands in brackets, as in [::1]:2121";
    parts = {host == "*" ? "" : host, where.substr(colon + 1)};
    // getaddrinfo(3) takes only the lower 16 bits of a larger number.
    if (!parse_number<std::uint16_t>(parts.port))
        return "the port must be a number from 0 to 65535, without quotes or anything behind it";
    return {};
}

template <class Address>
ListeningAddress with_address(const Address& address)
{
    ListeningAddress made;
    std::memcpy(&made.address, &address, sizeof address);
    made.size = sizeof address;
    return made;
}

template <class Address>
Address address_of(const ListeningAddress& from)
{
    Address address{};
    std::memcpy(&address, &from.address, sizeof address);
    return address;
}

ListeningAddress ipv4_address(in_addr address, in_port_t port)
{
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = port;
    ipv4.sin_addr = address;
    return with_address(ipv4);
}

bool is_ipv4(const ListeningAddress& address)
{
    return address.address.ss_family == AF_INET;
}

bool is_wildcard(const ListeningAddress& address)
{
    return is_ipv4(address) ? address_of<sockaddr_in>(address).sin_addr.s_addr == htonl(INADDR_ANY)
                            : address.is_ipv6_wildcard();
}

// One of IPv6 that stands for one of IPv4 (RFC 4291 §2.5.5.2), as that one: it conflicts with the same.
ListeningAddress without_mapping(const ListeningAddress& address)
{
    if (is_ipv4(address)) return address;
    const auto ipv6 = address_of<sockaddr_in6>(address);
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr) == 0) return address;
    in_addr ipv4{};
    std::memcpy(&ipv4, &ipv6.sin6_addr.s6_addr[12], sizeof ipv4);
    return ipv4_address(ipv4, ipv6.sin6_port);
}

ListeningAddress all_of_both_families(in_port_t port)
{
    sockaddr_in6 all{};
    all.sin6_family = AF_INET6;
    all.sin6_port = port;
    ListeningAddress address = with_address(all);
    address.both_families = true;
    return address;
}

// The addresses that getaddrinfo(3) finds, or why it finds nothing.
std::string look_up(const HostAndPort& parts, std::vector<ListeningAddress>& found)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int failure = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &list);
    if (failure != 0) return failure == EAI_SYSTEM ? last_system_error().message() : ::gai_strerror(failure);
    const AddressList owner{list, ::freeaddrinfo};
    for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
        ListeningAddress address;
        std::memcpy(&address.address, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
        found.push_back(without_mapping(address));
    }
    return {};
}

void add(const std::string& where, ListeningPlan& plan)
{
    HostAndPort parts;
    if (std::string reason = split(where, parts); !reason.empty())
        return plan.malformed.push_back({where, std::move(reason)});
    std::vector<ListeningAddress> found;
    if (parts.host.empty()) {
        found.push_back(all_of_both_families(htons(*parse_number<std::uint16_t>(parts.port))));
    } else if (std::string reason = look_up(parts, found); !reason.empty()) {
        return plan.unknown.push_back({where, std::move(reason)});
    }
    for (ListeningAddress& address : found) {
        address.given = where;
        address.of_name = found.size() > 1;
        plan.addresses.push_back(std::move(address));
    }
}

// Between those of one port that is not taken freely.
bool includes(const ListeningAddress& one, const ListeningAddress& other)
{
    if (one.port() != other.port() || one.port() == 0) return false;
    if (other.both_families && !one.both_families) return false;
    if (is_wildcard(one) && one.address.ss_family == other.address.ss_family) return true;
    return (one.both_families && is_ipv4(other)) || one.text() == other.text();
}

void share_families(std::vector<ListeningAddress>& addresses)
{
    for (ListeningAddress& address : addresses)
        address.both_families =
            address.both_families || (address.is_ipv6_wildcard() &&
                                      std::none_of(addresses.begin(), addresses.end(), [&](const auto& a) {
                                          return is_ipv4(a) && a.port() == address.port() && a.port() != 0;
                                      }));
}

// Of two that include each other the first stays.
std::vector<ListeningAddress> without_included(const std::vector<ListeningAddress>& addresses)
{
    std::vector<ListeningAddress> kept;
    for (const ListeningAddress& address : addresses) {
        const bool included = std::any_of(addresses.begin(), addresses.end(), [&](const auto& other) {
            return &other != &address && includes(other, address) &&
                   (&other < &address || !includes(address, other));
        });
        if (!included) kept.push_back(address);
    }
    return kept;
}

} // namespace

std::string ListeningAddress::text() const
{
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> service{};
    ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host.data(), host.size(), service.data(),
                  service.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    const std::string words = host.data();
    return (words.find(':') == std::string::npos ? words : "[" + words + "]") + ":" + service.data();
}

bool ListeningAddress::is_ipv6_wildcard() const
{
    if (address.ss_family != AF_INET6) return false;
    const auto ipv6 = address_of<sockaddr_in6>(*this);
    return IN6_IS_ADDR_UNSPECIFIED(&ipv6.sin6_addr) != 0;
}

in_port_t ListeningAddress::port() const
{
    return is_ipv4(*this) ? address_of<sockaddr_in>(*this).sin_port
                          : address_of<sockaddr_in6>(*this).sin6_port;
}

bool overlap(const ListeningAddress& one, const ListeningAddress& other)
{
    return includes(one, other) || includes(other, one);
}

ListeningPlan plan_listening(const std::vector<std::string>& where)
{
    ListeningPlan plan;
    for (const std::string& words : where)
        add(words, plan);
    // protection: shared-families
    share_families(plan.addresses);
    // protection: included-addresses
    plan.addresses = without_included(plan.addresses);
    return plan;
}

ListeningAddress ipv4_wildcard(const ListeningAddress& like)
{
    ListeningAddress address = ipv4_address({htonl(INADDR_ANY)}, like.port());
    address.given = like.given;
    return address;
}

} // namespace ftpc::server
