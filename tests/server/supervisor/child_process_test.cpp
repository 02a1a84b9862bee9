// Child processes, with the shell in the place of this program: its one argument is a script.
#include "server/supervisor/child_process.hpp"

#include "server/ipc/channel.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr FileOwner other_owner{41001, 41002};

UniqueFd open_program(const char* path)
{
    UniqueFd program{::open(path, O_PATH | O_CLOEXEC)};
    REQUIRE(program);
    return program;
}

struct ChildTest {
    test::TemporaryDirectory directory;
    UniqueFd shell = open_program("/bin/sh");

    ChildProcess start(const std::string& script, std::optional<FileOwner> user = {}) const
    {
        REQUIRE(::chmod(directory.path().c_str(), 0711) == 0);
        directory.write("script", script);
        return {shell.get(), "ftpcd: test", directory.path("script"), user};
    }
    // The next packet that the child sends; empty at its end.
    static std::string hear(const ChildProcess& child)
    {
        pollfd waiting{child.control(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, 10000) == 1);
        const auto packet = ipc::receive_packet(child.control(), 4096);
        REQUIRE(packet);
        return {packet->bytes.begin(), packet->bytes.end()};
    }
    static int status(const ChildProcess& child)
    {
        int status = 0;
        REQUIRE(::waitpid(child.pid(), &status, 0) == child.pid());
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
};

} // namespace

TEST_CASE_METHOD(ChildTest, "a child has its control channel as descriptor 3, and its end is seen there")
{
    const ChildProcess child = start("echo hello >&3; exit 7");
    CHECK(hear(child) == "hello\n");
    CHECK(hear(child).empty());
    CHECK(status(child) == 7);
}

TEST_CASE_METHOD(ChildTest,
                 "a child has its title, and works in no directory that could be unmounted or removed")
{
    const ChildProcess child = start("tr '\\0' '|' < /proc/$$/cmdline >&3; pwd >&3");
    CHECK(hear(child) == "ftpcd: test|" + directory.path("script") + "|");
    CHECK(hear(child) == "/\n");
    CHECK(status(child) == 0);
}

TEST_CASE_METHOD(ChildTest, "a child leaves signals meant for the supervisor alone")
{
    const ChildProcess child = start("kill -TERM $$; kill -INT $$; kill -HUP $$; echo alive >&3");
    CHECK(hear(child) == "alive\n");
    CHECK(status(child) == 0);
}

TEST_CASE_METHOD(ChildTest, "a child inherits standard error and nothing else")
{
    directory.write("secret", "secret");
    const UniqueFd secret{::open(directory.path("secret").c_str(), O_RDONLY)}; // without O_CLOEXEC
    const UniqueFd input{::dup(STDIN_FILENO)};
    REQUIRE(::dup2(secret.get(), STDIN_FILENO) == STDIN_FILENO);
    const int far_off = ::fcntl(secret.get(), F_DUPFD, 200);
    const ChildProcess child = start(
        "readlink /proc/$$/fd/0 /proc/$$/fd/1 | cat >&3; ls -l /proc/$$/fd | grep -c /secret | cat >&3");
    ::close(far_off);
    REQUIRE(::dup2(input.get(), STDIN_FILENO) == STDIN_FILENO);
    CHECK(hear(child) == "/dev/null\n/dev/null\n");
    CHECK(hear(child) == "0\n");
}

TEST_CASE_METHOD(ChildTest, "a child writes to the log, and reads neither a log file nor a terminal")
{
    directory.write("log", "secret\n");
    const UniqueFd terminal{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    REQUIRE(::unlockpt(terminal.get()) == 0);
    const bool to_terminal = GENERATE(true, false);
    const std::string path = to_terminal ? ::ptsname(terminal.get()) : directory.path("log");
    const UniqueFd log{::open(path.c_str(), O_RDWR | O_APPEND | O_NOCTTY | O_CLOEXEC)};
    REQUIRE(log);
    const UniqueFd errors{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)};
    REQUIRE(::dup2(log.get(), STDERR_FILENO) == STDERR_FILENO);
    const ChildProcess child =
        start("read word <&2 2>/dev/null && echo read >&3; echo said >&2 && echo written >&3");
    const std::string heard = hear(child);
    REQUIRE(::dup2(errors.get(), STDERR_FILENO) == STDERR_FILENO);
    CHECK(heard == "written\n");
    CHECK(status(child) == 0);
}

TEST_CASE_METHOD(ChildTest, "an order reaches the child as it was encoded")
{
    const ChildProcess child = start("dd bs=4096 count=1 <&3 2>/dev/null | cat >&3");
    child.send(ipc::Configure{"root = /srv", "certificate", {}, {}});
    const auto sent = ipc::encode(ipc::Order{ipc::Configure{"root = /srv", "certificate", {}, {}}});
    CHECK(hear(child) == std::string(sent.begin(), sent.end()));
    CHECK(status(child) == 0);
}

TEST_CASE_METHOD(ChildTest, "a child that reads no orders is ended instead of waited for")
{
    const ChildProcess child = start("exec sleep 60");
    const ipc::Configure large{std::string(30000, 'x'), {}, {}, {}};
    for (int i = 0; i < 100; ++i) // far more than a socket holds
        child.send(large);
    int status = 0;
    REQUIRE(::waitpid(child.pid(), &status, 0) == child.pid());
    CHECK(WIFSIGNALED(status));
}

TEST_CASE_METHOD(ChildTest, "a child becomes another user before it is executed, without further groups")
{
    if (::geteuid() != 0) {
        WARN("not root: not tested");
        return;
    }
    const ChildProcess child =
        start("id -u >&3; id -g >&3; id -G >&3; grep -cE '^Cap...:.0*$' /proc/self/status >&3", other_owner);
    CHECK(hear(child) == "41001\n");
    CHECK(hear(child) == "41002\n");
    CHECK(hear(child) == "41002\n");
    CHECK(hear(child) == "5\n"); // no capability is left in any of the five sets
    CHECK(status(child) == 0);
}

TEST_CASE_METHOD(ChildTest, "a child that becomes nobody else has no capabilities all the same")
{
    const ChildProcess child =
        start("grep -E '^(Cap(Inh|Prm|Eff|Amb):.0*[^0]|NoNewPrivs:.0)' /proc/self/status >&3; "
              "grep ^CapBnd /proc/self/status >&3");
    const std::string bounds = hear(child);
    CHECK_THAT(bounds, test::starts_with("CapBnd:"));
    if (::geteuid() == 0) CHECK(bounds == "CapBnd:\t0000000000000000\n");
}

TEST_CASE_METHOD(ChildTest,
                 "a program that cannot be executed ends the child with the shell's status for that")
{
    directory.write("no program", "nothing");
    const UniqueFd program = open_program(directory.path("no program").c_str());
    const ChildProcess child{program.get(), "ftpcd: test", "x", {}};
    CHECK(hear(child).empty());
    CHECK(status(child) == 126);
}

TEST_CASE("this program's own file stays open, also after its replacement")
{
    const UniqueFd program = open_own_program();
    struct stat own {};
    struct stat by_name {};
    REQUIRE(::fstat(program.get(), &own) == 0);
    REQUIRE(::stat("/proc/self/exe", &by_name) == 0);
    CHECK(own.st_ino == by_name.st_ino);
    CHECK((::fcntl(program.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the status of processes that were adopted is taken, and that of children is left")
{
    const auto fork_and_end = [] {
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(7);
        siginfo_t ended{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) == 0);
        return pid;
    };
    const pid_t adopted = fork_and_end();
    const pid_t child = fork_and_end();
    reap_adopted({child});
    int status = 0;
    CHECK(::waitpid(adopted, &status, WNOHANG) == -1);
    CHECK(::waitpid(child, &status, WNOHANG) == child);
    CHECK(WEXITSTATUS(status) == 7);
}
