// Which of the running servers a command means.
#include "server/running/running_servers.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

using namespace ftpc;
using namespace ftpc::server;

namespace {

const OpenedDirectory served{"/srv/current", "/srv/v1", {8, 100}};

ServerStatus server_of(pid_t pid, const OpenedDirectory& data)
{
    ServerStatus status;
    status.pid = pid;
    status.config_file = "/etc/ftpcd.conf";
    status.data = data;
    return status;
}

const std::vector<ServerStatus> running{server_of(7, served)};

std::size_t meant(const OpenedDirectory& data, const std::string& config_file = {})
{
    return servers_meant(running, {data, config_file}).size();
}

std::string refusal(const OpenedDirectory& data)
{
    try {
        refuse_if_served(running, data);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

} // namespace

TEST_CASE("a command means the server of its data directory, by any name")
{
    CHECK(meant(served) == 1);
    CHECK(meant({"/bound/elsewhere", "/bound/elsewhere", served.identity}) == 1);
    CHECK(meant({"/srv/current", "/srv/v2", {8, 200}}) == 1); // the link was switched
    CHECK(meant({"/srv/v1", "/srv/v1", {8, 200}}) == 1);      // replaced beneath the link
    CHECK(meant({"/srv/link", "/srv/v1", {8, 200}}) == 1);
    CHECK(meant({"/srv/other", "/srv/other", {8, 200}}) == 0);
    CHECK(meant({"/srv/current", "", {}}) == 1); // is not there any more
}

TEST_CASE("a command that follows a settings file means the server of that file")
{
    const OpenedDirectory other{"/srv/other", "/srv/other", {8, 200}};
    CHECK(meant(other, "/etc/ftpcd.conf") == 1);
    CHECK(meant(other, "/etc/other.conf") == 0);
    CHECK(meant(other, "") == 0);
}

TEST_CASE("a server of the data directory comes before those of the settings file")
{
    const OpenedDirectory other{"/srv/other", "/srv/other", {8, 200}};
    const auto found = servers_meant({running[0], server_of(8, other)}, {other, "/etc/ftpcd.conf"});
    REQUIRE(found.size() == 1);
    CHECK(found[0].pid == 8);
}

TEST_CASE("a second server of one data directory is refused with the first one's process")
{
    CHECK(refusal(served) == "/srv/current is being served already by process 7");
    CHECK_THAT(refusal({"/srv/current", "/srv/v2", {8, 200}}),
               test::contains("end that server first: kill 7"));
    CHECK(refusal({"/srv/other", "/srv/other", {8, 200}}) == "accepted");
    CHECK(refusal({"/srv/other", "/srv/other", {}}) == "accepted");
}
