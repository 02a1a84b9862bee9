#include "server/running/directory_probe.hpp"

#include "server/log/log.hpp"
#include "shared/base/unique_fd.hpp"

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

// protection: hanging-look
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

// Fails with ETIMEDOUT.
Result<DirectoryIdentity> receive(int pipe)
{
    pollfd waiting{pipe, POLLIN, 0};
    Seen seen;
    const bool came = ::poll(&waiting, 1, longest_milliseconds) == 1 &&
                      ::read(pipe, &seen, sizeof seen) == static_cast<ssize_t>(sizeof seen);
    if (!came) return system_error_of(ETIMEDOUT);
    if (seen.failure != 0) return system_error_of(seen.failure);
    return seen.identity;
}

bool has_timed_out(const Result<DirectoryIdentity>& now)
{
    return !now && now.error().value() == ETIMEDOUT;
}

} // namespace

bool DirectoryProbe::still_names(const std::string& setting, const OpenedDirectory& opened)
{
    const auto now = look(opened.path);
    const std::string change = describe_change(opened, now);
    if (change.empty()) return true;
    log_event(has_timed_out(now) ? "directory-does-not-answer" : "restart-needed",
              {{"setting", setting}, {"path", opened.path}, {"reason", change}});
    return false;
}

Result<DirectoryIdentity> DirectoryProbe::look(const std::string& path)
{
    reap();
    if (late_.contains(path)) return system_error_of(ETIMEDOUT);
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return last_system_error();
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    const pid_t process = ::fork();
    if (process < 0) return last_system_error();
    if (process == 0) look_and_exit(path, theirs.get());
    theirs.reset();
    const auto now = receive(ours.get());
    if (has_timed_out(now)) {
        ::kill(process, SIGKILL); // it ends when the file system answers
        late_[path] = process;
    } else {
        ::waitpid(process, nullptr, 0);
    }
    return now;
}

void DirectoryProbe::reap()
{
    std::erase_if(late_, [](const auto& late) { return ::waitpid(late.second, nullptr, WNOHANG) != 0; });
}

std::set<pid_t> DirectoryProbe::processes() const
{
    std::set<pid_t> all;
    for (const auto& [path, process] : late_)
        all.insert(process);
    return all;
}

std::string describe_change(const OpenedDirectory& opened, const Result<DirectoryIdentity>& now)
{
    const std::string kept = "; the server goes on with the directory that it has open";
    if (has_timed_out(now))
        return "its file system does not answer" + kept + "; send SIGHUP again when it does";
    if (!now)
        return "it cannot be looked up: " + now.error().message() + kept +
               "; put it back and send SIGHUP, or restart the server";
    // protection: replaced-on-reload
    if (*now == opened.identity) return {};
    return "it was replaced or mounted over, or a link was switched" + kept +
           "; restart the server to use what this path names now";
}

} // namespace ftpc::server
