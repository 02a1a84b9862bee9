#include "client/terminal/terminal.hpp"

#include "shared/base/unique_fd.hpp"
#include "shared/protocol/command.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace ftpc::client {

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

} // namespace ftpc::client
