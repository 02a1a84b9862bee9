#include "benchmark/target.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace ftpc::benchmark {

Target Target::with_port(std::uint16_t port) const
{
    Target other = *this;
    auto& place = address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(other.address).sin6_port
                                                : reinterpret_cast<sockaddr_in&>(other.address).sin_port;
    place = htons(port);
    return other;
}

Target parse_target(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) throw std::runtime_error{"an address is ADDRESS:PORT, not " + text};
    const std::string host = text.front() == '[' ? text.substr(1, colon - 2) : text.substr(0, colon);
    const auto port = htons(static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)));
    Target target{};
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = port, .sin_addr = {}, .sin_zero = {}};
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = port;
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        std::memcpy(&target.address, &v4, sizeof v4);
        target.address_bytes = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        std::memcpy(&target.address, &v6, sizeof v6);
        target.address_bytes = sizeof v6;
    } else {
        throw std::runtime_error{host + " is not an address"};
    }
    return target;
}

// Loopback takes a connection at once, so this one call may wait.
UniqueFd connect_to(const Target& target)
{
    UniqueFd fd{::socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
    if (!fd || ::connect(fd.get(), address, target.address_bytes) != 0)
        throw std::system_error{errno, std::system_category(), "cannot connect"};
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void acknowledge_at_once(int socket)
{
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

} // namespace ftpc::benchmark
