#include "server/certificates/machine_names.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace ftpc::server {

namespace {

constexpr std::size_t max_name_bytes = 253;
constexpr std::size_t max_label_bytes = 63;

bool is_label(std::string_view label)
{
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return !label.empty() && label.size() <= max_label_bytes &&
           label.find_first_not_of(allowed) == std::string_view::npos;
}

// Empty for a link-local address, or one of another family.
std::string address_text(const sockaddr& from)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (from.sa_family == AF_INET) {
        sockaddr_in address{};
        std::memcpy(&address, &from, sizeof address);
        ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    } else if (from.sa_family == AF_INET6) {
        sockaddr_in6 address{};
        std::memcpy(&address, &from, sizeof address);
        if (IN6_IS_ADDR_LINKLOCAL(&address.sin6_addr) == 0)
            ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    }
    return text.data();
}

} // namespace

bool is_host_name(std::string_view text)
{
    if (text.size() > max_name_bytes) return false;
    while (true) {
        const auto dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

std::string host_name()
{
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0 || !is_host_name(name.data())) return {};
    return name.data();
}

std::set<std::string> interface_addresses()
{
    std::set<std::string> addresses{"127.0.0.1", "::1"};
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return addresses;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner{list, ::freeifaddrs};
    for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next)
        if (i->ifa_addr != nullptr) addresses.insert(address_text(*i->ifa_addr));
    addresses.erase("");
    return addresses;
}

} // namespace ftpc::server
