#include "server/listening/dead_listeners.hpp"

#include "server/running/process_state.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/unique_fd.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

// The same numbers on every architecture (include/uapi/asm-generic/unistd.h).
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

namespace ftpc::server {

namespace {

constexpr unsigned pidfd_thread = O_EXCL; // PIDFD_THREAD of linux/pidfd.h

// The entries of a directory of /proc that are numbers; none where it cannot be read.
std::vector<int> numbers_in(const std::string& directory)
{
    std::vector<int> numbers;
    std::error_code error;
    for (std::filesystem::directory_iterator entry{directory, error}, end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (const auto number = parse_number<int>(name)) numbers.push_back(*number);
    }
    return numbers;
}

struct Held {
    pid_t thread = 0;
    int fd = -1;
};
using Sockets = std::map<std::string, Held>; // by what /proc calls them: "socket:[4711]"

void collect_sockets(pid_t process, pid_t thread, Sockets& sockets)
{
    const std::string place = "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/fd";
    for (const int fd : numbers_in(place)) {
        std::error_code error;
        const std::string target = std::filesystem::read_symlink(place + "/" + std::to_string(fd), error);
        if (target.starts_with("socket:")) sockets.emplace(target, Held{thread, fd});
    }
}

// Of processes that are ending. Of one that ended in time nothing is left to be seen.
Sockets sockets_of_dead_alone()
{
    Sockets dead;
    std::vector<pid_t> living;
    for (const pid_t process : numbers_in("/proc")) {
        if (!read_process_state(process).ending)
            living.push_back(process);
        else
            for (const pid_t thread : numbers_in("/proc/" + std::to_string(process) + "/task"))
                collect_sockets(process, thread, dead);
    }
    if (dead.empty()) return dead;
    Sockets of_living;
    for (const pid_t process : living)
        collect_sockets(process, process, of_living);
    std::erase_if(dead, [&](const auto& socket) { return of_living.contains(socket.first); });
    return dead;
}

UniqueFd second_descriptor(const Held& held)
{
    const UniqueFd thread{static_cast<int>(::syscall(SYS_pidfd_open, held.thread, pidfd_thread))};
    return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_getfd, thread.get(), held.fd, 0))};
}

// In network order; 0: no port.
in_port_t port_of(const sockaddr& address)
{
    if (address.sa_family == AF_INET) return reinterpret_cast<const sockaddr_in&>(address).sin_port;
    if (address.sa_family == AF_INET6) return reinterpret_cast<const sockaddr_in6&>(address).sin6_port;
    return 0;
}

bool listens_at(int socket, in_port_t port)
{
    int accepts = 0;
    socklen_t size = sizeof accepts;
    if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) != 0 || accepts == 0) return false;
    sockaddr_storage bound{};
    size = sizeof bound;
    auto& address = reinterpret_cast<sockaddr&>(bound);
    return ::getsockname(socket, &address, &size) == 0 && port_of(address) == port;
}

} // namespace

bool end_dead_listeners(const sockaddr& address)
{
    const in_port_t port = port_of(address);
    bool any = false;
    if (port == 0) return any;
    for (const auto& [name, held] : sockets_of_dead_alone()) {
        const UniqueFd socket = second_descriptor(held);
        if (socket && listens_at(socket.get(), port)) any = ::shutdown(socket.get(), SHUT_RDWR) == 0 || any;
    }
    return any;
}

} // namespace ftpc::server
