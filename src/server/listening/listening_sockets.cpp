#include "server/listening/listening_sockets.hpp"

#include "server/ipc/channel.hpp"
#include "server/listening/dead_listeners.hpp"
#include "shared/base/result.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

// ---- opening

// Of each connection, which inherits it (the kernel takes twice as much, tcp(7)). Commands and their replies
// need no more; left to itself the kernel would hold megabytes for a client that sends and does not read.
constexpr int socket_buffer_bytes = 128 * 1024;

bool is_udp(SocketKind kind)
{
    return kind == SocketKind::ntp || kind == SocketKind::time_text;
}

void set_option(const UniqueFd& socket, int level, int name, int value)
{
    ::setsockopt(socket.get(), level, name, &value, sizeof value);
}

// The process that serves it may set no option. SO_REUSEADDR is left out: with it another program could have
// UDP's address, too, and take the datagrams. Answers are never cut into fragments, since somebody else could
// put others among these. They are shorter than the least MTU that the kernel believes in, which is 552
// bytes.
void set_udp_options(const UniqueFd& socket, int family)
{
    set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    if (family == AF_INET6)
        set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    else
        set_option(socket, IPPROTO_IP, IP_PKTINFO, 1);
}

// An empty descriptor, with errno, if this address cannot be had.
UniqueFd open_bound(const ListeningAddress& address, int type)
{
    const int family = address.address.ss_family;
    UniqueFd fd{::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fd;
    if (type == SOCK_STREAM)
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    else
        set_udp_options(fd, family);
    if (family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.both_families ? 0 : 1);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.address), address.size) != 0) return {};
    return fd;
}

UniqueFd open_bound_tcp(const ListeningAddress& address)
{
    return open_bound(address, SOCK_STREAM);
}

UniqueFd open_bound_udp(const ListeningAddress& address)
{
    return open_bound(address, SOCK_DGRAM);
}

UniqueFd open_one(const ListeningAddress& address)
{
    UniqueFd fd = open_bound_tcp(address);
    if (!fd) return fd;
    // protection: socket-buffers
    for (const int buffer : {SO_SNDBUF, SO_RCVBUF})
        set_option(fd, SOL_SOCKET, buffer, socket_buffer_bytes);
    if (::listen(fd.get(), SOMAXCONN) != 0) return {};
    return fd;
}

// As open_one, and if only dead processes have the address.
UniqueFd open_beside_dead(const ListeningAddress& address)
{
    UniqueFd fd = open_one(address);
    if (fd || errno != EADDRINUSE) return fd;
    // protection: dead-listeners
    if (end_dead_listeners(reinterpret_cast<const sockaddr&>(address.address))) return open_one(address);
    errno = EADDRINUSE;
    return fd;
}

// Errors of an address that this machine does not have.
bool is_missing(int number)
{
    return number == EAFNOSUPPORT || number == EADDRNOTAVAIL || number == ENODEV;
}

// With `open`; in place of all addresses those of IPv4 if there is no IPv6.
UniqueFd open_or_ipv4(const ListeningAddress& address, UniqueFd (*open)(const ListeningAddress&))
{
    UniqueFd fd = open(address);
    if (fd || !address.both_families || !is_missing(errno)) return fd;
    return open(ipv4_wildcard(address));
}

// Only the kernel knows which port was taken.
std::string bound_address(int fd)
{
    ListeningAddress bound;
    bound.size = sizeof bound.address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.address), &bound.size);
    return bound.text();
}

// ---- why not

std::string reason_for(const ListeningAddress& address, int number, SocketKind kind)
{
    std::string reason = error_code{number, boost::system::system_category()}.message();
    switch (number) {
    case EADDRINUSE:
        return reason + "; see which program has it with: ss -l" + (is_udp(kind) ? "u" : "t") +
               "np 'sport = :" + std::to_string(ntohs(address.port())) + "'";
    case EADDRNOTAVAIL:
        return reason + "; this machine does not have this address now";
    case EAFNOSUPPORT:
        return reason + "; this machine has no " + (address.address.ss_family == AF_INET6 ? "IPv6" : "IPv4");
    case EACCES:
        return reason + "; a port below 1024 is for root, or for a program with CAP_NET_BIND_SERVICE";
    case EINVAL:
        return reason + "; a link-local address needs its interface, as in [fe80::1%eth0]:2121";
    default:
        return reason;
    }
}

UnusableAddress unusable(const ListeningAddress& address, int number, SocketKind kind)
{
    const std::string text = address.text();
    return {text == address.given ? text : text + " (" + address.given + ")",
            reason_for(address, number, kind)};
}

UnusableAddress too_many(const ListeningPlan& plan)
{
    return {std::to_string(plan.addresses.size()) + " addresses",
            "at most " + std::to_string(ipc::max_passed_descriptors - 1) + " are possible"};
}

[[noreturn]] void fail(const UnusableAddress& address)
{
    throw std::runtime_error{address.words()};
}

void open_into(OpenedSockets& opened, const ListeningAddress& address, SocketKind kind)
{
    UniqueFd fd = open_or_ipv4(address, is_udp(kind) ? open_bound_udp : open_beside_dead);
    if (!fd) {
        const int number = errno;
        // protection: missing-addresses
        if (!is_missing(number)) fail(unusable(address, number, kind));
        opened.left_out.push_back(unusable(address, number, kind));
        return;
    }
    std::string bound = bound_address(fd.get());
    const bool only_ipv6 = address.is_ipv6_wildcard() && !address.both_families;
    opened.sockets.push_back({std::move(fd), std::move(bound), only_ipv6, kind});
}

// ---- checking

std::string port_of(const std::string& address)
{
    return address.substr(address.rfind(':') + 1);
}

std::string host_of(const std::string& address)
{
    return address.substr(0, address.rfind(':'));
}

bool is_ipv6(const ListeningSocket& socket)
{
    return socket.address.starts_with('[');
}

bool is_wildcard(const ListeningSocket& socket)
{
    const std::string host = host_of(socket.address);
    return host == "[::]" || host == "0.0.0.0";
}

// Whether a socket of `one` on another port takes clients of `other` as well.
bool covers(const ListeningSocket& one, const ListeningSocket& other)
{
    if (host_of(one.address) == host_of(other.address)) return true;
    if (!is_wildcard(one)) return false;
    return is_ipv6(one) == is_ipv6(other) || (is_ipv6(one) && !one.only_ipv6);
}

// One socket for each address at which clients come.
std::vector<const ListeningSocket*> hosts_of(const std::vector<ListeningSocket>& control)
{
    std::vector<const ListeningSocket*> hosts;
    const auto add = [&](bool wildcards) {
        for (const ListeningSocket& socket : control)
            if (is_wildcard(socket) == wildcards &&
                std::none_of(hosts.begin(), hosts.end(),
                             [&](const ListeningSocket* host) { return covers(*host, socket); }))
                hosts.push_back(&socket);
    };
    add(true); // first, since they cover others
    add(false);
    return hosts;
}

// One at `address` beside the socket `control`.
void open_passive_into(OpenedSockets& opened, const ListeningSocket& control, const std::string& address)
{
    ListeningPlan plan = plan_listening({address});
    ListeningAddress& planned = plan.addresses.front();
    if (control.only_ipv6) planned.both_families = false;
    UniqueFd fd = open_or_ipv4(planned, open_beside_dead);
    if (!fd) return opened.left_out.push_back(unusable(planned, errno, SocketKind::data));
    std::string bound = bound_address(fd.get());
    opened.sockets.push_back({std::move(fd), std::move(bound), control.only_ipv6, SocketKind::data});
}

// Whether a failure with this number will be none once the running server has ended.
bool is_given_back(const ListeningAddress& address, int number,
                   const std::vector<std::string>& of_running_server)
{
    if (number != EADDRINUSE && number != EACCES) return false;
    return std::any_of(of_running_server.begin(), of_running_server.end(), [&](const std::string& held) {
        return port_of(held) == std::to_string(ntohs(address.port()));
    });
}

void add_failure(ListeningCheck& check, const ListeningAddress& address, int number, SocketKind kind)
{
    auto& list = address.of_name && is_missing(number) ? check.left_out : check.problems;
    list.push_back(unusable(address, number, kind));
}

// ---- soundness

// The value of an option that is an int; -1 where it cannot be read.
int option_value(int fd, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// Its connections inherit it: each end of one would be a reset, or a wait.
bool lingers(int fd)
{
    linger value{};
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, SO_LINGER, &value, &size) != 0 || value.l_onoff != 0;
}

// Reads the number of its instructions; one that was attached as eBPF is an error.
bool has_filter(int fd)
{
    socklen_t instructions = 0;
    return ::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &instructions) != 0 || instructions != 0;
}

bool accepts(int fd)
{
    return option_value(fd, SO_ACCEPTCONN) == 1 && !lingers(fd);
}

// It is not shut down, not tied to a peer, and tells when a datagram came.
bool takes_datagrams(int fd)
{
    pollfd looked_at{fd, POLLRDHUP, 0};
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    return ::poll(&looked_at, 1, 0) == 0 &&
           ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 &&
           option_value(fd, SO_TIMESTAMPNS) == 1;
}

} // namespace

OpenedSockets open_listening_sockets(const std::vector<std::string>& where, SocketKind kind)
{
    const ListeningPlan plan = plan_listening(where);
    if (!plan.malformed.empty()) fail(plan.malformed.front());
    if (plan.addresses.size() >= ipc::max_passed_descriptors) fail(too_many(plan));
    OpenedSockets opened{{}, plan.unknown};
    for (const ListeningAddress& address : plan.addresses)
        open_into(opened, address, kind);
    if (opened.sockets.empty()) fail(opened.left_out.front());
    return opened;
}

bool takes_any_port(const std::vector<std::string>& where)
{
    return std::any_of(where.begin(), where.end(),
                       [](const std::string& address) { return port_of(address) == "0"; });
}

OpenedSockets open_passive_sockets(const std::vector<ListeningSocket>& control, PortRange ports,
                                   bool any_port, std::size_t most)
{
    OpenedSockets opened;
    const auto hosts = hosts_of(control);
    for (unsigned port = ports.first; port <= ports.last; ++port)
        for (const ListeningSocket* host : hosts) {
            if (opened.sockets.size() == most) return opened;
            open_passive_into(opened, *host,
                              host_of(host->address) + ":" + std::to_string(any_port ? 0 : port));
        }
    return opened;
}

ListeningCheck check_listening_addresses(const std::vector<std::string>& where,
                                         const std::vector<std::string>& of_running_server, SocketKind kind)
{
    const ListeningPlan plan = plan_listening(where);
    ListeningCheck check{plan.malformed, {}, false};
    check.problems.insert(check.problems.end(), plan.unknown.begin(), plan.unknown.end());
    if (plan.addresses.size() >= ipc::max_passed_descriptors) check.problems.push_back(too_many(plan));
    for (const ListeningAddress& address : plan.addresses) {
        const UniqueFd fd = open_or_ipv4(address, is_udp(kind) ? open_bound_udp : open_bound_tcp);
        const int number = errno;
        if (fd || is_given_back(address, number, of_running_server))
            check.any_usable = true;
        else
            add_failure(check, address, number, kind);
    }
    return check;
}

ListeningCheck check_passive_ports(const std::vector<std::string>& where, PortRange ports)
{
    ListeningCheck check;
    if (takes_any_port(where)) return {{}, {}, true};
    for (const ListeningAddress& control : plan_listening(where).addresses)
        for (unsigned port = ports.first; port <= ports.last; ++port) {
            const ListeningAddress address =
                plan_listening({host_of(control.text()) + ":" + std::to_string(port)}).addresses.front();
            const UniqueFd fd = open_or_ipv4(address, open_bound_tcp);
            if (!fd) check.left_out.push_back(unusable(address, errno, SocketKind::data));
            if (fd) check.any_usable = true;
        }
    return check;
}

bool is_sound(const ListeningSocket& socket)
{
    const int fd = socket.fd.get();
    const int flags = ::fcntl(fd, F_GETFL);
    // protection: sound-sockets
    return flags >= 0 && (flags & (O_NONBLOCK | O_ASYNC)) == O_NONBLOCK &&
           option_value(fd, SO_LOCK_FILTER) == 0 && !has_filter(fd) &&
           (is_udp(socket.kind) ? takes_datagrams(fd) : accepts(fd));
}

void stop_listening(const ListeningSocket& socket)
{
    if (!is_udp(socket.kind)) ::shutdown(socket.fd.get(), SHUT_RDWR);
}

void reopen(ListeningSocket& socket)
{
    stop_listening(socket);
    socket.fd.reset();
    ListeningPlan plan = plan_listening({socket.address});
    if (socket.only_ipv6) plan.addresses.front().both_families = false;
    OpenedSockets opened;
    open_into(opened, plan.addresses.front(), socket.kind);
    if (opened.sockets.empty()) fail(opened.left_out.front());
    socket.fd = std::move(opened.sockets.front().fd);
}

} // namespace ftpc::server
