#include "server/supervisor/signals.hpp"

#include "shared/base/error.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

Signals::Signals()
{
    sigset_t caught;
    ::sigemptyset(&caught);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        ::sigaddset(&caught, number);
    ::sigprocmask(SIG_BLOCK, &caught, nullptr);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    // If our parent ignored it, the kernel would take the status of our children itself (waitpid(2)).
    // protection: own-children
    static_cast<void>(std::signal(SIGCHLD, SIG_DFL));
    fd_ = UniqueFd{::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!fd_) throw std::runtime_error{"signalfd: " + last_system_error().message()};
}

Signals::Taken Signals::take()
{
    Taken taken = std::exchange(left_, {});
    signalfd_siginfo info{};
    while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
        taken.stop = taken.stop || info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
        taken.reload = taken.reload || info.ssi_signo == SIGHUP;
        taken.child = taken.child || info.ssi_signo == SIGCHLD;
    }
    return taken;
}

bool Signals::take_stop()
{
    left_ = take();
    return std::exchange(left_.stop, false);
}

} // namespace ftpc::server
