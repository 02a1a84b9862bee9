// A subcommand run in this process, as a program of its own would run: with its own state directory, standard
// input and output.
#pragma once

#include "client/base/failure.hpp"
#include "client/outcome.hpp"
#include "shared/base/unique_fd.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

namespace ftpc::test {

class ProgramRun {
public:
    ProgramRun()
    {
        ::setenv("XDG_STATE_HOME", directory_.path().c_str(), 1);
        ::unsetenv("FTPC_SERVER");
    }

    // Runs `subcommand` with `input` as its standard input.
    client::ExitStatus operator()(const std::function<client::ExitStatus()>& subcommand,
                                  const std::string& input = "")
    {
        directory_.write("in", input);
        const Redirection in{STDIN_FILENO, directory_.path("in"), O_RDONLY};
        const Redirection out{STDOUT_FILENO, directory_.path("out"), O_WRONLY | O_CREAT | O_TRUNC};
        const Redirection err{STDERR_FILENO, directory_.path("err"), O_WRONLY | O_CREAT | O_TRUNC};
        return subcommand();
    }

    std::string out() const { return directory_.read("out"); }
    std::string err() const { return directory_.read("err"); }
    // The file of that name in the state directory; empty if there is none.
    std::string state(const std::string& name) const
    {
        return ::access(directory_.path("ftpc/" + name).c_str(), F_OK) == 0 ? directory_.read("ftpc/" + name)
                                                                            : "";
    }

private:
    class Redirection {
    public:
        Redirection(int fd, const std::string& path, int flags) : fd_{fd}, before_{::dup(fd)}
        {
            std::fflush(stdout);
            const UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
            ::dup2(file.get(), fd_);
        }
        Redirection(const Redirection&) = delete;
        Redirection& operator=(const Redirection&) = delete;
        ~Redirection()
        {
            std::fflush(stdout);
            ::dup2(before_.get(), fd_);
        }

    private:
        int fd_;
        UniqueFd before_;
    };

    TemporaryDirectory directory_;
};

} // namespace ftpc::test
