#include "server/net/parent_death.hpp"

#include "server/ipc/channel.hpp"
#include "shared/base/error.hpp"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

namespace ftpc::server {

namespace {

// It wakes a process up that is stopped, so that the handler runs there, too.
constexpr int parent_death_signal = SIGCONT;

// For the handler, which may neither allocate nor lock (signal-safety(7)).
std::array<int, ipc::max_passed_descriptors> to_close{};
std::size_t number_to_close = 0;
pid_t parent = 0;

void close_and_exit(int)
{
    if (::getppid() == parent) return; // somebody has woken this process up
    // Not close(2): a sanitizer would report a race with a thread that uses the descriptor. Such a thread
    // ends here as well.
    for (std::size_t i = 0; i < number_to_close; ++i)
        ::syscall(SYS_close, to_close[i]);
    ::_exit(EXIT_FAILURE);
}

} // namespace

void close_at_parent_death(std::span<const UniqueFd> sockets)
{
    for (const UniqueFd& socket : sockets)
        to_close.at(number_to_close++) = socket.get();
    parent = ::getppid();
    struct sigaction action {};
    action.sa_handler = close_and_exit;
    action.sa_flags = SA_RESTART;
    // Till now a parent that dies kills this process at once (supervisor/child_process).
    if (::sigaction(parent_death_signal, &action, nullptr) != 0 ||
        ::prctl(PR_SET_PDEATHSIG, parent_death_signal, 0, 0, 0) != 0)
        throw boost::system::system_error{last_system_error(), "the end of the supervisor"};
}

} // namespace ftpc::server
