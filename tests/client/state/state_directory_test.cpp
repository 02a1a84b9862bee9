#include "client/state/state_directory.hpp"

#include "client/outcome.hpp"
#include "client/state/known_servers.hpp"
#include "client/state/saved_logins.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::client;

namespace {

mode_t mode_of(const std::string& path)
{
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

Outcome<void> put(const StateDirectory& state, const char* name, const std::string& text)
{
    return state.update(name, [&](std::string_view) -> Outcome<std::string> { return text; });
}

} // namespace

TEST_CASE("the state directory is made private on first use, with its parents")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("a/b/ftpc")};
    CHECK(state.read("sessions")->empty());
    CHECK(directory.names().empty()); // reading makes nothing
    REQUIRE(put(state, "sessions", "secret"));
    CHECK(*state.read("sessions") == "secret");
    CHECK(mode_of(directory.path("a/b/ftpc")) == 0700);
    CHECK(mode_of(directory.path("a/b/ftpc/sessions")) == 0600);
}

TEST_CASE("a file or directory that others can read is refused with advice, and left alone")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    REQUIRE(put(state, "sessions", "secret"));
    REQUIRE(::chmod(directory.path("ftpc/sessions").c_str(), 0640) == 0);
    REQUIRE(state.read("sessions").has_error());
    CHECK(test::contains(state.read("sessions").error().message, "chmod 600"));
    CHECK(put(state, "sessions", "new").has_error());
    REQUIRE(::chmod(directory.path("ftpc/sessions").c_str(), 0600) == 0);
    CHECK(*state.read("sessions") == "secret");

    REQUIRE(::chmod(directory.path("ftpc").c_str(), 0755) == 0);
    REQUIRE(state.read("sessions").has_error());
    CHECK(test::contains(state.read("sessions").error().message, "chmod 700"));
    CHECK(put(state, "sessions", "new").has_error());
}

TEST_CASE("a change that fails leaves the file as it was")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    REQUIRE(put(state, "sessions", "before"));
    const auto done = state.update("sessions", [](std::string_view) -> Outcome<std::string> {
        return Failure{ExitStatus::failed, "no"};
    });
    CHECK(done.has_error());
    CHECK(*state.read("sessions") == "before");
}

TEST_CASE("a directory that is ready for a file takes it, and has none before")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("a/ftpc")};
    REQUIRE(state.prepare("sessions"));
    CHECK(mode_of(directory.path("a")) == 0700);
    CHECK(state.read("sessions")->empty());
    REQUIRE(put(state, "sessions", "secret"));
    REQUIRE(state.prepare("sessions")); // a file that is there stays as it is
    CHECK(*state.read("sessions") == "secret");
}

TEST_CASE("an obstacle to the state directory is named")
{
    const test::TemporaryDirectory directory;
    directory.write("file", "");
    const auto in_the_way = StateDirectory{directory.path("file/ftpc")}.prepare("sessions");
    REQUIRE(in_the_way.has_error());
    CHECK(test::contains(in_the_way.error().message, directory.path("file") + ": is not a directory\n"));
    REQUIRE(::symlink("nowhere", directory.path("link").c_str()) == 0);
    for (const char* path : {"link", "link/ftpc"}) {
        const auto dangling = StateDirectory{directory.path(path)}.prepare("sessions");
        REQUIRE(dangling.has_error());
        CHECK(test::contains(dangling.error().message,
                             directory.path("link") + ": is a symbolic link that leads nowhere\n"));
    }
}

TEST_CASE("changes at the same time are not lost")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    constexpr int writers = 4;
    constexpr int changes = 10;
    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < changes; ++n)
                (void)state.update("log", [](std::string_view before) -> Outcome<std::string> {
                    return std::string{before} + "x";
                });
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(state.read("log")->size() == writers * changes);
}

TEST_CASE("a broken file is named with its path and line")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    REQUIRE(put(state, sessions_file, "broken\n"));
    REQUIRE(put(state, known_servers_file, "broken\n"));
    CHECK(test::contains(load_saved_logins(state).error().message,
                         directory.path("ftpc/sessions") + ": line 1: "));
    CHECK(test::contains(load_known_servers(state).error().message,
                         directory.path("ftpc/known_servers") + ": line 1: "));
    CHECK(remember_server(state, {{"h", 1}, "", "2026-01-01", {Trust::Kind::ca, "/c"}}).has_error());
    CHECK(*state.read(known_servers_file) == "broken\n");
}

TEST_CASE("the state directory is where XDG_STATE_HOME says, if that is absolute, else beneath the home")
{
    ::setenv("HOME", "/home/somebody", 1);
    ::setenv("XDG_STATE_HOME", "/state", 1);
    CHECK(StateDirectory::of_this_user()->path_of("x") == "/state/ftpc/x");
    ::setenv("XDG_STATE_HOME", "relative", 1);
    CHECK(StateDirectory::of_this_user()->path_of("x") == "/home/somebody/.local/state/ftpc/x");
    ::unsetenv("XDG_STATE_HOME");
    CHECK(StateDirectory::of_this_user()->path_of("x") == "/home/somebody/.local/state/ftpc/x");
}
