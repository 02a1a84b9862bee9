#include "server/admin/in_force.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

using namespace ftpc;
using namespace ftpc::server;

namespace {

const OpenedDirectory data{"/srv/data", "/srv/data", {8, 100}};
const OpenedDirectory tree{"/srv/tree", "/srv/tree", {8, 101}};

std::vector<ServerStatus> running_servers()
{
    ServerStatus status;
    status.pid = 7;
    status.config_file = "/etc/ftpcd.conf";
    status.data = data;
    status.tree = tree;
    return {status};
}

std::string only_problem(const CommandScope& scope, const std::optional<OpenedDirectory>& its_tree)
{
    const auto problems = find_differences(running_servers(), scope, its_tree);
    if (problems.empty()) return "none";
    CHECK(problems.size() == 1);
    return problems[0].where + ": " + problems[0].what;
}

} // namespace

TEST_CASE("the running server's own files are in force")
{
    CHECK(only_problem({data, {}}, tree) == "none");
    CHECK(only_problem({data, {}}, std::nullopt) == "none");
    CHECK(only_problem({{"/srv/other", "/srv/other", {8, 5}}, {}}, tree) == "none");
}

TEST_CASE("a data directory in the place of that which the server reads is a problem, with the process")
{
    const auto problem = only_problem({{"/srv/data", "/srv/data", {8, 200}}, {}}, tree);
    CHECK_THAT(problem,
               test::starts_with("/srv/data: the running server (process 7) has another directory open"));
    CHECK_THAT(problem, test::contains("restart"));
}

TEST_CASE("another data directory in the settings file than at the start is a problem")
{
    CHECK_THAT(only_problem({{"/srv/new", "/srv/new", {8, 200}}, "/etc/ftpcd.conf"}, std::nullopt),
               test::starts_with("/srv/new: the running server (process 7) has /srv/data open"));
}

TEST_CASE("another tree is a problem for commands that use it")
{
    CHECK_THAT(only_problem({data, {}}, OpenedDirectory{"/srv/tree", "/srv/tree", {8, 201}}),
               test::starts_with("/srv/tree: the running server (process 7) has another directory open"));
    CHECK_THAT(only_problem({data, {}}, OpenedDirectory{"/srv/t2", "/srv/t2", {8, 201}}),
               test::contains("has /srv/tree open"));
    CHECK(only_problem({data, {}}, std::nullopt) == "none");
}

TEST_CASE("a running server is described in one line")
{
    ServerStatus status = running_servers()[0];
    status.version = "0.1.0";
    status.started = 1'764'411'300;
    status.fingerprint = "SHA256:abc";
    status.listening = {"[::]:2121", "127.0.0.1:21"};
    status.children = {{"auth", 8}, {"net", 0}};
    CHECK(describe_running(status) ==
          "process 7, version 0.1.0, since 2025-11-29T10:15:00Z, on [::]:2121 and "
          "127.0.0.1:21, key SHA256:abc, auth 8, net not running");
    status.ntp = {"0.0.0.0:123", "[::1]:123"};
    status.time_text = {"127.0.0.1:2123"};
    status.children.push_back({"time", 9});
    CHECK_THAT(describe_running(status),
               test::contains(", NTP on 0.0.0.0:123 and [::1]:123, time as text on 127.0.0.1:2123, key "));
    CHECK_THAT(describe_running(status), test::contains(", time 9"));
}

TEST_CASE("a command with --data does not follow the settings file for it")
{
    const auto scope = [](const std::vector<std::string>& words) {
        const boost::program_options::options_description none;
        return command_scope(parse_arguments(words, none, SettingFlags::all, OnProblem::keep), data)
            .config_file;
    };
    CHECK(scope({"--config", "/etc/ftpcd.conf"}) == "/etc/ftpcd.conf");
    CHECK(scope({"--config", "/etc/ftpcd.conf", "--root", "/t"}) == "/etc/ftpcd.conf");
    CHECK(scope({"--config", "/etc/ftpcd.conf", "--data", "/d"}).empty());
    CHECK(scope({}).empty());
}
