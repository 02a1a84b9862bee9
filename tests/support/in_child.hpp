// Jobs in a process of their own.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <string>

namespace ftpc::test {

inline constexpr uid_t nobody = 65534;

// The result of `job` in a forked process, which may give up privileges, limits and mounts without harm to
// this one. "killed" when it did not end by itself.
inline std::string in_child(const std::function<std::string()>& job)
{
    std::array<int, 2> pipe{};
    if (::pipe(pipe.data()) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string result;
        try {
            result = job();
        } catch (const std::exception& error) {
            result = std::string{"threw "} + error.what();
        }
        const auto written = ::write(pipe[1], result.data(), result.size());
        ::_exit(written == static_cast<ssize_t>(result.size()) ? 0 : 1);
    }
    ::close(pipe[1]);
    std::string result;
    std::array<char, 512> chunk{};
    for (ssize_t got = 0; (got = ::read(pipe[0], chunk.data(), chunk.size())) > 0;)
        result.append(chunk.data(), static_cast<std::size_t>(got));
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? result : "killed";
}

} // namespace ftpc::test
