#include "server/supervisor/listening_sockets.hpp"

#include "server/supervisor/dead_listeners.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/result.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace ftpc::server {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct HostAndPort {
    std::string host;
    std::string port;
};

[[noreturn]] void fail(const std::string& where, const std::string& why)
{
    throw std::runtime_error{"cannot listen on " + where + ": " + why};
}

HostAndPort split(const std::string& where)
{
    const auto colon = where.rfind(':');
    if (colon == std::string::npos || colon + 1 == where.size())
        fail(where, "not of the form ADDRESS:PORT, as in 127.0.0.1:2121 or [::]:2121");
    std::string host = where.substr(0, colon);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string::npos)
        fail(where, "an IPv6 address stands in brackets, as in [::1]:2121");
    return {host.empty() ? "::" : host, where.substr(colon + 1)};
}

AddressList resolve(const std::string& where, const HostAndPort& parts)
{
    // getaddrinfo(3) takes only the lower 16 bits of a larger number.
    if (!parse_number<std::uint16_t>(parts.port))
        fail(where, "the port must be a number from 0 to 65535, without quotes or anything behind it");
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int failure = ::getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &list);
    if (failure != 0) fail(where, ::gai_strerror(failure));
    return {list, ::freeaddrinfo};
}

std::string bound_address(int fd)
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::array<char, NI_MAXSERV> port{};
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(), port.data(),
                  port.size(), NI_NUMERICHOST | NI_NUMERICSERV);
    const std::string text = host.data();
    return (text.find(':') == std::string::npos ? text : "[" + text + "]") + ":" + port.data();
}

// Of each connection, which inherits it (the kernel takes twice as much, tcp(7)). Commands and their replies
// need no more; left to itself the kernel would hold megabytes for a client that sends and does not read.
constexpr int socket_buffer_bytes = 128 * 1024;

// An empty descriptor, with errno, where this address cannot be had.
UniqueFd open_bound(const addrinfo& address)
{
    UniqueFd fd{::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fd;
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0) return {};
    return fd;
}

UniqueFd open_one(const addrinfo& address)
{
    UniqueFd fd = open_bound(address);
    if (!fd) return fd;
    // protection: socket-buffers
    for (const int buffer : {SO_SNDBUF, SO_RCVBUF})
        ::setsockopt(fd.get(), SOL_SOCKET, buffer, &socket_buffer_bytes, sizeof socket_buffer_bytes);
    if (::listen(fd.get(), SOMAXCONN) != 0) return {};
    return fd;
}

// As open_one, and where only dead processes have the address.
UniqueFd open_beside_dead(const addrinfo& address)
{
    UniqueFd fd = open_one(address);
    if (fd || errno != EADDRINUSE) return fd;
    // protection: dead-listeners
    if (end_dead_listeners(*address.ai_addr)) return open_one(address);
    errno = EADDRINUSE;
    return fd;
}

// The value of an option that is an int; -1 where it cannot be read.
int option_value(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// Reads the number of its instructions; one that was attached as eBPF is an error.
bool has_filter(int fd)
{
    socklen_t instructions = 0;
    return ::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &instructions) != 0 || instructions != 0;
}

bool no_ipv6(int number)
{
    return number == EAFNOSUPPORT || number == EADDRNOTAVAIL;
}

} // namespace

void check_listening_address(const std::string& where)
{
    const HostAndPort parts = split(where);
    const AddressList addresses = resolve(where, parts);
    for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
        // The running server may have it.
        if (open_bound(*address) || errno == EADDRINUSE || (parts.host == "::" && no_ipv6(errno))) continue;
        fail(where, last_system_error().message());
    }
}

std::vector<ListeningSocket> open_listening_sockets(const std::string& where)
{
    const HostAndPort parts = split(where);
    const AddressList addresses = resolve(where, parts);
    std::vector<ListeningSocket> sockets;
    for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
        UniqueFd fd = open_beside_dead(*address);
        if (!fd && parts.host == "::" && no_ipv6(errno))
            return open_listening_sockets("0.0.0.0:" + parts.port);
        if (!fd) fail(where, last_system_error().message());
        std::string bound = bound_address(fd.get());
        sockets.push_back({std::move(fd), std::move(bound)});
    }
    return sockets;
}

bool is_sound(const ListeningSocket& socket)
{
    const int fd = socket.fd.get();
    const int flags = ::fcntl(fd, F_GETFL);
    // protection: sound-sockets
    return flags >= 0 && (flags & (O_NONBLOCK | O_ASYNC)) == O_NONBLOCK &&
           option_value(fd, SO_ACCEPTCONN) == 1 && option_value(fd, SO_LOCK_FILTER) == 0 && !has_filter(fd);
}

void stop_listening(const ListeningSocket& socket)
{
    ::shutdown(socket.fd.get(), SHUT_RDWR);
}

void reopen(ListeningSocket& socket)
{
    stop_listening(socket);
    socket.fd.reset();
    std::vector<ListeningSocket> opened = open_listening_sockets(socket.address);
    socket.fd = std::move(opened.front().fd);
}

} // namespace ftpc::server
