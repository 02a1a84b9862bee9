#include "client/terminal/terminal.hpp"

#include "shared/base/unique_fd.hpp"
#include "shared/protocol/command.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace ftpc::client {

namespace {

constexpr std::size_t usual_width = 80;

// Empty if it is not set.
std::string_view environment(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : value;
}

} // namespace

Result<Answer> ask_yes_or_no(const std::string& question)
{
    const UniqueFd terminal{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!terminal) return error_code{ENXIO, boost::system::system_category()};
    [[maybe_unused]] const auto written = ::write(terminal.get(), question.data(), question.size());
    std::string answer;
    while (true) {
        char c = 0;
        const ssize_t got = ::read(terminal.get(), &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || c == '\n') break;
        answer += c;
    }
    const bool yes = equal_ignoring_case(answer, "y") || equal_ignoring_case(answer, "yes");
    return yes ? Answer::yes : Answer::no;
}

std::optional<std::size_t> terminal_width(int fd)
{
    if (::isatty(fd) != 1) return std::nullopt;
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual_width;
    return size.ws_col;
}

bool has_colours(int fd)
{
    const auto kind = environment("TERM");
    return ::isatty(fd) == 1 && !kind.empty() && kind != "dumb" && environment("NO_COLOR").empty();
}

} // namespace ftpc::client
