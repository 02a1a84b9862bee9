// A place with a tree and a data directory, and attempts to get out of it from a forked process.
#pragma once

#include "server/lockdown/landlock.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/lockdown/sanitizer_needs.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <exception>
#include <functional>
#include <string>

namespace ftpc::test {

// The end of a forked process that ran `job`: its result ("0", or the name of an errno), "SIGSYS" or another
// signal's number. `errors`: its standard error before that.
struct ChildEnd {
    std::string how;
    std::string errors;
};

inline std::string read_to_end(int fd)
{
    std::string text;
    std::array<char, 512> chunk{};
    for (ssize_t got = 0; (got = ::read(fd, chunk.data(), chunk.size())) > 0;)
        text.append(chunk.data(), static_cast<std::size_t>(got));
    ::close(fd);
    return text;
}

inline std::string describe_end(int status, const std::string& said)
{
    if (!WIFSIGNALED(status)) return said;
    return WTERMSIG(status) == SIGSYS ? "SIGSYS" : "signal " + std::to_string(WTERMSIG(status));
}

inline ChildEnd in_process(const std::function<std::string()>& job)
{
    std::array<int, 2> said{};
    std::array<int, 2> errors{};
    REQUIRE(::pipe2(said.data(), O_CLOEXEC) == 0);
    REQUIRE(::pipe2(errors.data(), O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(errors[1], STDERR_FILENO);
        for (const int number : {SIGSYS, SIGABRT}) // Catch2 has handlers of its own
            static_cast<void>(std::signal(number, SIG_DFL));
        std::string result;
        try {
            result = job();
        } catch (const std::exception& error) {
            result = std::string{"threw: "} + error.what();
        }
        const auto written = ::write(said[1], result.data(), result.size());
        ::_exit(written == static_cast<ssize_t>(result.size()) ? 0 : 1);
    }
    ::close(said[1]);
    ::close(errors[1]);
    const std::string result = read_to_end(said[0]);
    const std::string error_text = read_to_end(errors[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {describe_end(status, result), error_text};
}

// "0", or the name of errno if the call failed.
inline std::string outcome(long result)
{
    if (result >= 0) return "0";
    const char* const name = ::strerrorname_np(errno);
    return name != nullptr ? name : std::to_string(errno);
}

// DATA with users.db, tls/key.pem and the tree, root/, with alice/ and a file in it; beside it, outside/; and
// a listening socket with its port.
struct Place {
    TemporaryDirectory top;
    UniqueFd data;
    UniqueFd root;
    UniqueFd listener;
    sockaddr_in address{};

    Place()
    {
        for (const char* const name : {"data", "data/tls", "data/root", "data/root/alice", "outside"})
            REQUIRE(::mkdir(top.path(name).c_str(), 0755) == 0);
        for (const char* const name : {"data/users.db", "data/tls/key.pem", "data/root/file", "outside/file"})
            top.write(name, "secret");
        data = open("data");
        root = open("data/root");
        listener = UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(listener.get(), to_sockaddr(), size) == 0);
        REQUIRE(::listen(listener.get(), 5) == 0);
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    }

    UniqueFd open(const std::string& name) const
    {
        return UniqueFd{::open(top.path(name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    const sockaddr* to_sockaddr() const { return reinterpret_cast<const sockaddr*>(&address); }
    std::string path(const std::string& name) const { return top.path(name); }

    // ---- attempts; each gives outcome()

    std::string open_file(const std::string& name, int flags = O_RDONLY) const
    {
        return outcome(::open(path(name).c_str(), flags | O_CLOEXEC, 0600));
    }
    std::string open_file_by_openat2(const std::string& name) const
    {
        const std::array<std::uint64_t, 3> how{O_RDONLY | O_CLOEXEC, 0, 0}; // open_how
        return outcome(::syscall(SYS_openat2, AT_FDCWD, path(name).c_str(), how.data(), sizeof how));
    }
    std::string make_directory(const std::string& name) const
    {
        return outcome(::mkdirat(AT_FDCWD, path(name).c_str(), 0755));
    }
    std::string list(const std::string& name) const { return outcome(open(name) ? 0 : -1); }
    std::string rename(const std::string& from, const std::string& to) const
    {
        return outcome(::renameat(AT_FDCWD, path(from).c_str(), AT_FDCWD, path(to).c_str()));
    }
    std::string remove(const std::string& name, int flags = 0) const
    {
        return outcome(::unlinkat(AT_FDCWD, path(name).c_str(), flags));
    }
    std::string link(const std::string& name) const
    {
        return outcome(::symlinkat("file", AT_FDCWD, path(name).c_str()));
    }
    static int tcp_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }
    std::string connect_with(int socket) const
    {
        return outcome(::connect(socket, to_sockaddr(), sizeof address));
    }
    static std::string bind_with(int socket)
    {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        return outcome(::bind(socket, reinterpret_cast<const sockaddr*>(&any), sizeof any));
    }
    static std::string open_socket() { return outcome(tcp_socket()); }
    // Past connect(2), with TCP fast open.
    std::string connect_by_sending(int socket) const
    {
        return outcome(::sendto(socket, "x", 1, MSG_FASTOPEN, to_sockaddr(), sizeof address));
    }
    static std::string execute()
    {
        std::array<char*, 2> arguments{const_cast<char*>("true"), nullptr};
        ::execv("/bin/true", arguments.data());
        return outcome(-1);
    }
    static std::string fork()
    {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        return outcome(child);
    }
    static std::string trace(pid_t process)
    {
        return outcome(::ptrace(PTRACE_SEIZE, process, nullptr, nullptr));
    }
    static std::string signal(pid_t process) { return outcome(::kill(process, 0)); }
};

// Why the tests of this room cannot run here; empty if they can.
inline bool lockdown_is_here()
{
    if (server::lockdown_to_expect({}).missing.empty()) return true;
    WARN("not tested: " << server::lockdown_to_expect({}).missing);
    return false;
}

} // namespace ftpc::test
