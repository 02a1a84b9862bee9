#include "shared/terminal/password_prompt.hpp"

#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/base/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace ftpc {

namespace {

constexpr std::array caught_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU};
volatile std::sig_atomic_t caught = 0;

void note_signal(int number)
{
    caught = number;
}

// Catches the signals that would end or stop the program. Those from others are held back too, except while
// wait_for_input() waits: no signal slips in between a look for it and the wait. SIGTTIN and SIGTTOU come
// from our own calls and must not be held back: that would let a program in the background through.
class CaughtSignals {
public:
    CaughtSignals()
    {
        sigset_t held;
        ::sigemptyset(&held);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP})
            ::sigaddset(&held, number);
        ::pthread_sigmask(SIG_BLOCK, &held, &mask_before_);
        struct sigaction action {};
        action.sa_handler = note_signal;
        for (std::size_t i = 0; i < caught_signals.size(); ++i)
            ::sigaction(caught_signals[i], &action, &before_[i]);
    }
    CaughtSignals(const CaughtSignals&) = delete;
    CaughtSignals& operator=(const CaughtSignals&) = delete;
    ~CaughtSignals()
    {
        // In this order, so that held-back signals are noted as well.
        ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
        for (std::size_t i = 0; i < caught_signals.size(); ++i)
            ::sigaction(caught_signals[i], &before_[i], nullptr);
    }

    // Whether there is something to read; false when a signal came instead.
    bool wait_for_input(int fd) const
    {
        pollfd waiting{fd, POLLIN, 0};
        while (caught == 0) {
            if (::ppoll(&waiting, 1, nullptr, &mask_before_) >= 0 || errno != EINTR) return caught == 0;
        }
        return false;
    }

private:
    sigset_t mask_before_{};
    std::array<struct sigaction, caught_signals.size()> before_{};
};

class EchoOff {
public:
    explicit EchoOff(int terminal) : terminal_{terminal}
    {
        if (::tcgetattr(terminal_, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
        changed_ = ::tcsetattr(terminal_, TCSAFLUSH, &quiet) == 0;
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    ~EchoOff()
    {
        if (changed_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
    }

private:
    int terminal_;
    termios before_{};
    bool changed_ = false;
};

void say(int terminal, std::string_view text)
{
    [[maybe_unused]] const auto written = ::write(terminal, text.data(), text.size());
}

// One line, without its line end. Fails with EINTR when a signal came, and with ECANCELED at end of input.
// Errc::long_password: the line is longer than any password with its line end.
Result<SecretText> read_line(int fd)
{
    SecretText line;
    while (line.size() <= max_password_bytes + 1) {
        char c = 0;
        const ssize_t got = ::read(fd, &c, 1);
        if (got < 0) return last_system_error();
        if (got == 0 && line.empty()) return error_code{ECANCELED, boost::system::system_category()};
        if (got == 0 || c == '\n') {
            if (!line.empty() && line.back() == '\r') line.pop_back();
            return line;
        }
        line.push_back(c);
    }
    return Errc::long_password;
}

Result<SecretText> ask_once(int terminal, const std::string& prompt)
{
    const CaughtSignals signals;
    const EchoOff quiet{terminal};
    if (caught == 0) say(terminal, prompt);
    Result<SecretText> line = error_code{EINTR, boost::system::system_category()};
    // A terminal gives whole lines, so that nothing waits in read_line().
    if (signals.wait_for_input(terminal)) line = read_line(terminal);
    say(terminal, "\n");
    return line;
}

} // namespace

Result<SecretText> ask_password(const std::string& prompt)
{
    const UniqueFd terminal{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal) return error_code{ENXIO, boost::system::system_category()};
    while (true) {
        caught = 0;
        auto line = ask_once(terminal.get(), prompt);
        if (caught == 0) return line;
        // The terminal and the handlers are as before; now the signal takes its usual effect. After a stop
        // and `fg` the question is asked again.
        (void)::raise(caught);
    }
}

Result<SecretText> read_password_from_stdin()
{
    auto line = read_line(STDIN_FILENO);
    if (!line) return line;
    if (line->empty()) return line;
    // A text in UTF-16 without a mark, or a binary file: such a password could never be typed.
    if (std::find(line->begin(), line->end(), '\0') != line->end()) return Errc::not_utf8;
    const auto mark = line->size() - without_byte_order_mark(view(*line)).size();
    line->erase(line->begin(), line->begin() + static_cast<std::ptrdiff_t>(mark));
    return line;
}

} // namespace ftpc
