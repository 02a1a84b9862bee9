#include "server/supervisor/child_process.hpp"

#include "server/ipc/channel.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace ftpc::server {

namespace {

// Between fork and exec: says why on standard error and ends. Its exit status is that of shells for "cannot
// execute".
[[noreturn]] void give_up(const char* what)
{
    std::perror(what);
    ::_exit(126);
}

// With none in the bounding set no program can give one back. (A container may keep root from that; what the
// change of user takes away is gone all the same.)
void drop_capability_bounds()
{
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
    }
}

void become(const FileOwner& user)
{
    drop_capability_bounds();
    if (::setgroups(0, nullptr) != 0) give_up("ftpcd: cannot drop the supplementary groups");
    if (::setresgid(user.group, user.group, user.group) != 0) give_up("ftpcd: cannot change the group");
    if (::setresuid(user.user, user.user, user.user) != 0) give_up("ftpcd: cannot change the user");
}

// The supervisor decides when its children end; a Ctrl-C at the terminal or a hang-up reaches them, too.
void leave_signals_to_supervisor()
{
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        static_cast<void>(std::signal(number, SIG_IGN));
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A child that outlived a killed supervisor would hold the listening sockets, or write over what the auth of
// the next server has written. A change of user forgets this.
void end_with(pid_t supervisor)
{
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) give_up("ftpcd: cannot be tied to the supervisor");
    if (::getppid() != supervisor) ::_exit(126);
}

[[noreturn]] void execute(int program, int control, const std::string& title, const std::string& subcommand,
                          const std::optional<FileOwner>& user, pid_t supervisor)
{
    leave_signals_to_supervisor();
    // The place of the control channel may be taken by what is still needed.
    if (program == ipc::control_descriptor)
        program = ::fcntl(program, F_DUPFD_CLOEXEC, ipc::control_descriptor + 1);
    if (control == ipc::control_descriptor) {
        ::fcntl(control, F_SETFD, 0);
    } else if (::dup2(control, ipc::control_descriptor) < 0) {
        give_up("ftpcd: cannot pass the control channel");
    }
    if (::chdir("/") != 0) give_up("ftpcd: cannot change to /");
    if (user) become(*user);
    end_with(supervisor);
    std::array<char*, 3> arguments{const_cast<char*>(title.c_str()), const_cast<char*>(subcommand.c_str()),
                                   nullptr};
    ::fexecve(program, arguments.data(), environ);
    give_up("ftpcd: cannot execute the program for a child process");
}

} // namespace

UniqueFd open_own_program()
{
    UniqueFd program{::open("/proc/self/exe", O_PATH | O_CLOEXEC)};
    if (!program)
        throw std::runtime_error{"/proc/self/exe: " + last_system_error().message() + "; is /proc mounted?"};
    return program;
}

ChildProcess::ChildProcess(int program, const std::string& title, const std::string& subcommand,
                           std::optional<FileOwner> user)
{
    auto channel = ipc::make_channel(); // ours, theirs
    const pid_t supervisor = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error{"cannot start a process: " + last_system_error().message()};
    if (pid_ == 0) execute(program, channel.second.get(), title, subcommand, user, supervisor);
    control_ = std::move(channel.first);
    // The supervisor never waits for a child that has stopped reading.
    ::fcntl(control_.get(), F_SETFL, O_NONBLOCK);
}

void ChildProcess::send(const ipc::Order& order, std::span<const int> descriptors) const
{
    if (!ipc::send_packet(control_.get(), ipc::encode(order), descriptors)) ::kill(pid_, SIGKILL);
}

} // namespace ftpc::server
