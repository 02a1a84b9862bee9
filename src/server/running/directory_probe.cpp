#include "server/running/directory_probe.hpp"

#include "server/log.hpp"
#include "shared/unique_fd.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace ftpc::server {

namespace {

constexpr int longest_milliseconds = 1000;

struct Seen {
    int failure = 0; // errno
    DirectoryIdentity identity;
};

// A look that hangs must hold no socket or lock of the supervisor.
void keep_only(int pipe)
{
    ::dup2(pipe, STDIN_FILENO);
    if (::close_range(STDOUT_FILENO, ~0U, 0) == 0) return;
    for (long fd = STDOUT_FILENO, end = std::min(::sysconf(_SC_OPEN_MAX), 65536L); fd < end; ++fd)
        ::close(static_cast<int>(fd));
}

[[noreturn]] void look_and_exit(const std::string& path, int pipe)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    keep_only(pipe);
    const auto found = identity_of(path);
    const Seen seen = found ? Seen{0, *found} : Seen{found.error().value(), {}};
    const bool sent = ::write(STDIN_FILENO, &seen, sizeof seen) == sizeof seen;
    ::_exit(sent ? 0 : 1);
}

error_code system_error_of(int failure)
{
    return {failure, boost::system::system_category()};
}

} // namespace

bool DirectoryProbe::still_names(const std::string& setting, const OpenedDirectory& opened)
{
    const auto now = look(opened.path);
    const std::string reason = reason_for_restart(opened, now);
    if (reason.empty()) return true;
    log_event("restart-needed", {{"setting", setting}, {"path", opened.path}, {"reason", reason}});
    return false;
}

Result<DirectoryIdentity> DirectoryProbe::look(const std::string& path)
{
    reap();
    if (late_ != 0) return system_error_of(ETIMEDOUT);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_system_error();
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    const pid_t process = ::fork();
    if (process < 0) return last_system_error();
    if (process == 0) look_and_exit(path, theirs.get());
    theirs.reset();
    return receive(ours.get(), process);
}

Result<DirectoryIdentity> DirectoryProbe::receive(int pipe, pid_t process)
{
    pollfd waiting{pipe, POLLIN, 0};
    Seen seen;
    const bool came = ::poll(&waiting, 1, longest_milliseconds) == 1 &&
                      ::read(pipe, &seen, sizeof seen) == static_cast<ssize_t>(sizeof seen);
    if (!came) {
        ::kill(process, SIGKILL); // ends when the file system answers
        late_ = process;
        return system_error_of(ETIMEDOUT);
    }
    ::waitpid(process, nullptr, 0);
    if (seen.failure != 0) return system_error_of(seen.failure);
    return seen.identity;
}

void DirectoryProbe::reap()
{
    if (late_ != 0 && ::waitpid(late_, nullptr, WNOHANG) != 0) late_ = 0;
}

std::string reason_for_restart(const OpenedDirectory& opened, const Result<DirectoryIdentity>& now)
{
    const std::string kept = "; the server goes on with the directory that it has open, ";
    if (!now && now.error().value() == ETIMEDOUT)
        return "its file system does not answer" + kept + "send SIGHUP again when it does";
    if (!now)
        return "there is no such directory any more: " + now.error().message() + kept +
               "put it back, or restart the server";
    if (*now == opened.identity) return {};
    return "it was replaced, mounted over, or a link was switched" + kept +
           "restart it to use what this path names now";
}

} // namespace ftpc::server
