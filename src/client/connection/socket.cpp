#include "client/connection/socket.hpp"

#include "client/terminal/safe_text.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace ftpc::client {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Failure not_found(const std::string& host, const std::string& reason)
{
    return {ExitStatus::unreachable, "cannot find " + host + ": " + reason};
}

Outcome<AddressList> look_up(const ServerAddress& server, int flags)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* list = nullptr;
    const int problem =
        ::getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &list);
    if (problem == 0) return AddressList{list, ::freeaddrinfo};
    return not_found(server.host,
                     problem == EAI_SYSTEM ? last_system_error().message() : ::gai_strerror(problem));
}

// No caller can end getaddrinfo(3), and its wait has no bound. So it has a thread, which is left behind when
// the deadline comes first; both share the data.
Outcome<AddressList> look_up_by_thread(const ServerAddress& server, Deadline deadline)
{
    std::packaged_task<Outcome<AddressList>()> task{[server] { return look_up(server, 0); }};
    auto found = task.get_future();
    try {
        std::thread{std::move(task)}.detach();
    } catch (const std::system_error&) { // without a thread it takes as long as the resolver likes
        return look_up(server, 0);
    }
    if (found.wait_until(deadline) != std::future_status::ready)
        return not_found(server.host, "no answer of the name service in time");
    return found.get();
}

Outcome<AddressList> look_up(const ServerAddress& server, Deadline deadline)
{
    auto addresses = look_up(server, AI_NUMERICHOST);
    if (addresses) return addresses;
    return look_up_by_thread(server, deadline);
}

Result<UniqueFd> connect_to_address(const addrinfo& address, Deadline deadline)
{
    UniqueFd fd{
        ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol)};
    if (!fd) return last_system_error();
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd.get(), address.ai_addr, address.ai_addrlen) == 0) return fd;
    if (errno != EINPROGRESS) return last_system_error();
    if (!wait_for(fd.get(), POLLOUT, deadline))
        return error_code{ETIMEDOUT, boost::system::system_category()};
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return last_system_error();
    if (error != 0) return error_code{error, boost::system::system_category()};
    return fd;
}

std::ptrdiff_t count(const addrinfo* list)
{
    std::ptrdiff_t addresses = 0;
    for (; list != nullptr; list = list->ai_next)
        ++addresses;
    return addresses;
}

} // namespace

int milliseconds_until(Deadline deadline)
{
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
}

bool wait_for(int fd, short events, Deadline deadline)
{
    pollfd waiting{fd, events, 0};
    while (true) {
        // Also if there is always something to be read.
        if (std::chrono::steady_clock::now() >= deadline) return false;
        const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return true; // the next read or write returns the error
    }
}

Outcome<UniqueFd> connect_to(const ServerAddress& server, Deadline deadline)
{
    const auto addresses = look_up(server, deadline);
    if (!addresses) return addresses.error();
    error_code error;
    for (const addrinfo* address = addresses->get(); address != nullptr; address = address->ai_next) {
        const auto now = std::chrono::steady_clock::now();
        auto fd = connect_to_address(*address, now + (deadline - now) / count(address));
        if (fd) return std::move(*fd);
        error = fd.error();
    }
    return Failure{ExitStatus::unreachable, "cannot reach " + server.text() + ": " + error.message()};
}

} // namespace ftpc::client
