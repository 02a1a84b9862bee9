#include "server/running/process_state.hpp"

#include "support/catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

using namespace ftpc::server;

namespace {

// The text of /proc/PID/stat for a process with this name and state; `pending`: its 31st field.
std::string stat_text(const std::string& name, const std::string& state, const std::string& pending)
{
    std::string text = "4711 (" + name + ") " + state;
    for (int field = 4; field < 31; ++field)
        text += " 1";
    return text + " " + pending + " 0 0 0\n";
}

ProcessState parsed(const std::string& name, const std::string& state, const std::string& pending = "0")
{
    return parse_process_state(stat_text(name, state, pending));
}

} // namespace

TEST_CASE("a process whose first thread has ended, or is about to be killed, is ending")
{
    CHECK(parsed("ftpcd", "Z").ending);
    CHECK(parsed("ftpcd", "X").ending);
    CHECK(parsed("ftpcd", "D", "256").ending);        // SIGKILL is signal 9
    CHECK(parsed("ftpcd", "D", "2147483647").ending); // among others
    for (const char* const state : {"R", "S", "D", "T", "t"})
        CHECK_FALSE(parsed("ftpcd", state).ending);
    CHECK_FALSE(parsed("ftpcd", "S", "2147483391").ending); // every other signal
}

TEST_CASE("a process that a debugger holds is not one that was stopped")
{
    CHECK(parsed("ftpcd", "t").traced);
    CHECK_FALSE(parsed("ftpcd", "T").traced);
}

TEST_CASE("the name of a process cannot be taken for its state")
{
    CHECK_FALSE(parsed("a) Z 1", "S").ending);
    CHECK(parsed("a) S 1", "Z").ending);
}

TEST_CASE("text that is no state says nothing")
{
    for (const char* const text : {"", " ", ")", "1 (x)", "1 (x) ", "1 (x) S", "Z"}) {
        CHECK_FALSE(parse_process_state(text).ending);
        CHECK_FALSE(parse_process_state(text).traced);
    }
}

TEST_CASE("a process is read as it is")
{
    CHECK_FALSE(read_process_state(::getpid()).ending);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
    CHECK(read_process_state(child).ending);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(read_process_state(child).ending); // nothing is known of it
}
