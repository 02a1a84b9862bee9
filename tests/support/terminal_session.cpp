#include "support/terminal_session.hpp"

#include "support/time_scale.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace ftpc::test {

namespace {

void report(int fd, const std::string& text)
{
    const std::string line = text + "\n";
    if (::write(fd, line.data(), line.size()) < 0) ::_exit(99);
}

[[noreturn]] void run_job(const std::function<std::string()>& job, int reports)
{
    ::setpgid(0, 0);
    (void)std::signal(SIGTTOU, SIG_IGN); // or becoming the foreground would stop us
    ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    // The test framework's handlers are not ours to keep.
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTOU})
        (void)std::signal(number, SIG_DFL);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    report(reports, job());
    ::_exit(0);
}

// Waits for the job like a shell, and reports its end or stop.
[[noreturn]] void lead(const std::function<std::string()>& job, int reports)
{
    const pid_t child = ::fork();
    if (child == 0) run_job(job, reports);
    report(reports, std::to_string(child));
    int status = 0;
    while (::waitpid(child, &status, WUNTRACED) == child) {
        if (WIFSTOPPED(status)) {
            report(reports, "stopped " + std::to_string(WSTOPSIG(status)));
            continue;
        }
        if (WIFSIGNALED(status)) report(reports, "killed " + std::to_string(WTERMSIG(status)));
        if (WIFEXITED(status)) report(reports, "exited " + std::to_string(WEXITSTATUS(status)));
    }
    // The terminal must outlive the job, so that its state can be looked at.
    while (true)
        ::pause();
}

void wait_readable(int fd, const char* what)
{
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience().count())) != 1)
        throw std::runtime_error{std::string{"waited in vain for "} + what};
}

} // namespace

TerminalSession::TerminalSession(const std::function<std::string()>& job)
{
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::system_category(), "pipe"};
    reports_ = UniqueFd{pipe[0]};
    const UniqueFd reporting{pipe[1]};
    int terminal = -1;
    std::fflush(stdout); // the thread sanitizer writes the rest of buffers even at _exit()
    leader_ = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (leader_ < 0) throw std::system_error{errno, std::system_category(), "forkpty"};
    if (leader_ == 0) lead(job, reporting.get());
    terminal_ = UniqueFd{terminal};
    const std::string first = next_report();
    job_ = std::stoi(first);
}

TerminalSession::~TerminalSession()
{
    if (job_ > 0) ::kill(job_, SIGKILL);
    ::kill(leader_, SIGKILL);
    ::waitpid(leader_, nullptr, 0);
}

void TerminalSession::type(std::string_view keys) const
{
    while (!keys.empty()) {
        const ssize_t written = ::write(terminal_.get(), keys.data(), keys.size());
        if (written <= 0) throw std::system_error{errno, std::system_category(), "write to the terminal"};
        keys.remove_prefix(static_cast<std::size_t>(written));
    }
}

void TerminalSession::wait_for(std::string_view text)
{
    while (!shown_.ends_with(text)) {
        wait_readable(terminal_.get(), "the terminal");
        std::array<char, 1024> chunk{};
        const ssize_t got = ::read(terminal_.get(), chunk.data(), chunk.size());
        if (got <= 0) throw std::system_error{errno, std::system_category(), "read from the terminal"};
        shown_.append(chunk.data(), static_cast<std::size_t>(got));
    }
}

bool TerminalSession::echoes() const
{
    termios settings{};
    if (::tcgetattr(terminal_.get(), &settings) != 0)
        throw std::system_error{errno, std::system_category(), "tcgetattr"};
    return (settings.c_lflag & static_cast<tcflag_t>(ECHO)) != 0;
}

std::string TerminalSession::next_report()
{
    std::string line;
    while (true) {
        wait_readable(reports_.get(), "a report");
        char c = 0;
        if (::read(reports_.get(), &c, 1) != 1) throw std::runtime_error{"the reports ended"};
        if (c == '\n') return line;
        line += c;
    }
}

void TerminalSession::send_signal(int number) const
{
    if (job_ <= 0 || ::kill(job_, number) != 0)
        throw std::system_error{errno, std::system_category(), "kill"};
}

} // namespace ftpc::test
