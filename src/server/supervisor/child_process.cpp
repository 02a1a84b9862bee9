#include "server/supervisor/child_process.hpp"

#include "server/ipc/channel.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/threads.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <memory>
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

// With none in the bounding set no program can give one back. (Nobody but root may do that, and a container
// may keep root from it, too; with no_new_privs no program gives one anyway.)
void drop_capability_bounds()
{
    for (unsigned long capability = 0; ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
    }
}

// A server without root may have some all the same, to listen on port 21: ambient ones, or of the program's
// file.
void drop_capabilities()
{
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    constexpr std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
    // Ambient ones go with those that are permitted.
    if (::syscall(SYS_capset, &header, none.data()) != 0) give_up("ftpcd: cannot drop the capabilities");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        give_up("ftpcd: cannot keep the program's file from giving capabilities");
}

void change_user(const FileOwner& user)
{
    // protection: groups
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
// the next server has written. A change of user or of capabilities forgets this.
void end_with(pid_t supervisor)
{
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) give_up("ftpcd: cannot be tied to the supervisor");
    if (::getppid() != supervisor) ::_exit(126);
}

constexpr int program_descriptor = ipc::control_descriptor + 1;

// From `first` on, one by one, on a kernel without close_range(2) (Linux 5.9).
void close_each_from(int first)
{
    const std::unique_ptr<DIR, int (*)(DIR*)> open_ones{::opendir("/proc/self/fd"), ::closedir};
    if (!open_ones) give_up("ftpcd: cannot list /proc/self/fd");
    while (const dirent* const entry = ::readdir(open_ones.get())) {
        const auto fd = parse_number<int>(entry->d_name, first);
        if (fd && *fd != ::dirfd(open_ones.get())) ::close(*fd);
    }
}

// A terminal is open for reading, too, and a log file may be. Where the log is written to a place in the file
// that the processes share, it stays as it is.
void make_log_write_only()
{
    const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
    const bool appends = ::isatty(STDERR_FILENO) == 1 || (flags & O_APPEND) != 0;
    if ((flags & O_ACCMODE) != O_RDWR || !appends) return;
    const int log = ::open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_CLOEXEC | (flags & O_APPEND));
    if (log >= 0) ::dup2(log, STDERR_FILENO);
}

// Other open descriptors, inherited or not, could be read in spite of the lockdown. Of the standard
// descriptors only standard error is used, for the log.
void keep_only(int control, int program)
{
    make_log_write_only();
    // Their places may be taken by each other.
    control = ::fcntl(control, F_DUPFD, program_descriptor + 1);
    program = ::fcntl(program, F_DUPFD, program_descriptor + 1);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    const int output = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (input < 0 || output < 0) give_up("ftpcd: cannot open /dev/null");
    if (::dup2(input, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
        ::dup2(control, ipc::control_descriptor) < 0 || ::dup3(program, program_descriptor, O_CLOEXEC) < 0)
        give_up("ftpcd: cannot pass the control channel");
    constexpr int others = program_descriptor + 1;
    // protection: inherited-descriptors
    if (::close_range(others, ~0U, 0) != 0) close_each_from(others);
}

[[noreturn]] void execute(int program, int control, const std::string& title, const std::string& subcommand,
                          const std::optional<FileOwner>& user, pid_t supervisor)
{
    leave_signals_to_supervisor();
    keep_only(control, program);
    if (::chdir("/") != 0) give_up("ftpcd: cannot change to /");
    become(user);
    // protection: ends-with-supervisor
    end_with(supervisor);
    std::array<char*, 3> arguments{const_cast<char*>(title.c_str()), const_cast<char*>(subcommand.c_str()),
                                   nullptr};
    ::fexecve(program_descriptor, arguments.data(), environ);
    give_up("ftpcd: cannot execute the program for a child process");
}

} // namespace

void become(const std::optional<FileOwner>& user)
{
    // protection: capability-bounds
    drop_capability_bounds(); // while that is allowed
    if (user) change_user(*user);
    // protection: capabilities
    drop_capabilities();
}

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
    if (pid_ < 0) throw std::runtime_error{"cannot start a process: " + why_no_process(errno)};
    if (pid_ == 0) execute(program, channel.second.get(), title, subcommand, user, supervisor);
    control_ = std::move(channel.first);
    // The supervisor never waits for a child that has stopped reading.
    ::fcntl(control_.get(), F_SETFL, O_NONBLOCK);
}

void ChildProcess::send(const ipc::Order& order, std::span<const int> descriptors) const
{
    if (!ipc::send_packet(control_.get(), ipc::encode(order), descriptors)) ::kill(pid_, SIGKILL);
}

void reap_adopted(const std::set<pid_t>& ours)
{
    while (true) {
        siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 || ended.si_pid == 0) return;
        // One of ours that has ended just now is seen at the next look; others may stand behind it until
        // then.
        if (ours.contains(ended.si_pid)) return;
        ::waitpid(ended.si_pid, nullptr, WNOHANG);
    }
}

} // namespace ftpc::server
