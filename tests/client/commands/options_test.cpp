#include "client/commands/options.hpp"

#include "client/outcome.hpp"
#include "support/temporary_directory.hpp"

#include <unistd.h>

using namespace ftpc;
using namespace ftpc::client;

namespace {

const std::string pin = "SHA256:" + std::string(43, 'A');

std::string usage_problem(const Outcome<LoginOptions>& options)
{
    REQUIRE(options.has_error());
    CHECK(options.error().status == ExitStatus::usage);
    return options.error().message;
}

} // namespace

TEST_CASE("options of login")
{
    const auto options = parse_login_options(
        {"alice@host:21", "--password-stdin", "--ttl", "12h", "--pin=" + pin, "--timeout", "5", "--json"});
    REQUIRE(options);
    CHECK(*options->target.user == "alice");
    CHECK(*options->target.host == "host");
    CHECK(options->password_stdin);
    CHECK(*options->ttl == std::chrono::hours{12});
    CHECK(options->common.trust.pin == pin);
    CHECK(options->common.timeout == std::chrono::seconds{5});
    CHECK(options->common.json);
}

TEST_CASE("login without anything is a login at the last server")
{
    const auto options = parse_login_options({});
    REQUIRE(options);
    CHECK_FALSE(options->target.user);
    CHECK_FALSE(options->target.host);
    CHECK_FALSE(options->ttl);
    CHECK(options->common.timeout == std::chrono::seconds{30});
}

TEST_CASE("the server of a login is named once, behind the user or by --server")
{
    CHECK(*parse_login_options({"alice", "--server", "host:21"})->target.host == "host");
    CHECK(*parse_login_options({"alice", "--server", "host:21"})->target.port == 21);
    usage_problem(parse_login_options({"alice@host", "--server", "host"}));
}

TEST_CASE("a second argument of login is refused with the advice that it cannot be a password")
{
    CHECK(test::contains(usage_problem(parse_login_options({"alice", "secret"})), "password is never"));
}

TEST_CASE("malformed options are refused")
{
    usage_problem(parse_login_options({"--unknown"}));
    usage_problem(parse_login_options({"--pas"})); // no guessing
    usage_problem(parse_login_options({"--ttl", "soon"}));
    usage_problem(parse_login_options({"--timeout", "0"}));
    usage_problem(parse_login_options({"--timeout", "99999999999"}));
    usage_problem(parse_login_options({"--pin", "SHA256:short"}));
    usage_problem(parse_login_options({"--pin", ""}));
    usage_problem(parse_login_options({"--ca", "/nonexistent"}));
    usage_problem(parse_login_options({"--ca", ""}));
    usage_problem(parse_login_options({"--ca", "/"}));
    usage_problem(parse_login_options({"--server", "a b"}));
    usage_problem(parse_login_options({"--json", "--json=x"}));
}

TEST_CASE("a CA file is kept by its absolute path, and excludes a pin")
{
    const test::TemporaryDirectory directory;
    directory.write("ca.pem", "");
    REQUIRE(::chdir(directory.path().c_str()) == 0);
    const auto options = parse_login_options({"--ca", "ca.pem"});
    REQUIRE(::chdir("/") == 0);
    REQUIRE(options);
    CHECK(options->common.trust.ca_file == directory.path("ca.pem"));
    usage_problem(parse_login_options({"--ca", directory.path("ca.pem"), "--pin", pin}));
}

TEST_CASE("options of mkdir")
{
    const auto options = parse_mkdir_options({"-p", "a", "-", "-0", "--server", "[::1]:21", "--", "-b"});
    REQUIRE(options);
    CHECK(options->parents);
    CHECK(options->nul_separated);
    CHECK(options->paths == std::vector<std::string>{"a", "-", "-b"});
    CHECK(*options->common.server == ServerAddress{"::1", 21});
    REQUIRE(parse_mkdir_options({"-p"}).has_error());
    CHECK(parse_mkdir_options({"-p"}).error().status == ExitStatus::usage);
    CHECK(parse_mkdir_options({"-x", "a"}).has_error());
}

TEST_CASE("an empty path is an argument like any other, for the others are still to be made")
{
    const auto options = parse_mkdir_options({"", "a"});
    REQUIRE(options);
    CHECK(options->paths == std::vector<std::string>{"", "a"});
}

TEST_CASE("options of ls")
{
    const auto options = parse_ls_options({"-la", "b", "--color", "always", "a", "--json"});
    REQUIRE(options);
    CHECK(options->long_form);
    CHECK(options->all);
    CHECK(options->common.json);
    CHECK(options->colours == Colours::always);
    CHECK(options->paths == std::vector<std::string>{"b", "a"});
    const auto plain = parse_ls_options({});
    REQUIRE(plain);
    CHECK_FALSE(plain->long_form);
    CHECK(plain->colours == Colours::automatic);
    CHECK(plain->paths == std::vector<std::string>{"/"});
    CHECK(parse_ls_options({"--color=never"})->colours == Colours::never);
    CHECK(parse_ls_options({"--color=auto"})->colours == Colours::automatic);
    CHECK(parse_ls_options({"--color=red"}).has_error());
    CHECK(parse_ls_options({"-R"}).has_error());
}

TEST_CASE("options of tree")
{
    const auto options = parse_tree_options({"-L", "3", "a"});
    REQUIRE(options);
    CHECK(*options->depth == 3);
    CHECK(options->path == "a");
    CHECK(parse_tree_options({})->path == "/");
    CHECK_FALSE(parse_tree_options({})->depth);
    CHECK(*parse_tree_options({"-L32"})->depth == 32);
    for (const char* const wrong : {"0", "33", "-1", "x", ""})
        CHECK(parse_tree_options({"-L", wrong}).has_error());
    CHECK(parse_tree_options({"a", "b"}).has_error());
}

TEST_CASE("time shows the time unless another form is asked for")
{
    using Mode = TimeOptions::Mode;
    CHECK(parse_time_options({})->mode == Mode::show);
    CHECK(parse_time_options({})->format == "%a %b %e %H:%M:%S %Z %Y");
    const auto shown = parse_time_options({"+%F %T", "--utc", "--server", "host"});
    REQUIRE(shown);
    CHECK(shown->format == "%F %T");
    CHECK(shown->utc);
    CHECK(parse_time_options({"+"})->format.empty());
    CHECK(parse_time_options({"--offset"})->mode == Mode::offset);
    CHECK(parse_time_options({"--set"})->mode == Mode::set);
    CHECK_FALSE(parse_time_options({"--set"})->large);
    CHECK(parse_time_options({"--set", "--large"})->large);
}

TEST_CASE("the tolerance of a clock may be less than a second")
{
    using namespace std::chrono_literals;
    const auto tolerance = [](const std::string& text) {
        return parse_time_options({"--check", text})->tolerance;
    };
    CHECK(parse_time_options({"--check", "500ms"})->mode == TimeOptions::Mode::check);
    CHECK(tolerance("500ms") == 500ms);
    CHECK(tolerance("1us") == 1us);
    CHECK(tolerance("2s") == 2s);
    CHECK(tolerance("2") == 2s);
    CHECK(tolerance("1m") == 1min);
    CHECK(tolerance("1000000000ms") == 1'000'000s);
    for (const char* const wrong :
         {"", "ms", "us", "0ms", "-1ms", "1.5s", "soon", "1000000001ms", "5ns", "5 ms"}) {
        INFO(wrong);
        CHECK(parse_time_options({"--check", wrong}).has_error());
    }
}

TEST_CASE("a wait has a time, and may be late, local and for a job with a name")
{
    const auto plain = parse_time_options({"--wait-until", "00:00"});
    REQUIRE(plain);
    CHECK(plain->mode == TimeOptions::Mode::wait);
    CHECK(plain->wait.until.since_midnight == std::chrono::seconds{0});
    CHECK(plain->wait.late == std::chrono::seconds{0});
    CHECK_FALSE(plain->wait.or_local);
    CHECK(plain->job.empty());
    const auto all = parse_time_options(
        {"--wait-until", "2026-12-01T23:30", "--late", "2h", "--or-local", "--job", "billing"});
    REQUIRE(all);
    CHECK(all->wait.until.day);
    CHECK(all->wait.late == std::chrono::hours{2});
    CHECK(all->wait.or_local);
    CHECK(all->job == "billing");
    for (const char* const wrong : {"", "midnight", "24:00", "0:00"})
        CHECK(parse_time_options({"--wait-until", wrong}).has_error());
    CHECK(parse_time_options({"--wait-until", "00:00", "--late", "never"}).has_error());
    CHECK(parse_time_options({"--wait-until", "00:00", "--job", "two words"}).has_error());
    CHECK(parse_time_options({"--wait-until", "00:00", "--job", ""}).has_error());
}

TEST_CASE("forms of time exclude each other, and options go with their form")
{
    for (const Arguments& wrong : std::vector<Arguments>{{"--offset", "--check", "1s"},
                                                         {"--offset", "--set"},
                                                         {"--wait-until", "00:00", "--check", "1s"},
                                                         {"--late", "1h"},
                                                         {"--or-local", "--offset"},
                                                         {"--job", "billing"},
                                                         {"--large"},
                                                         {"--large", "--check", "1s"},
                                                         {"--utc", "--offset"},
                                                         {"--offset", "+%F"},
                                                         {"%F"},
                                                         {"+%F", "+%T"},
                                                         {"--che", "1s"}}) {
        INFO(wrong.front());
        const auto options = parse_time_options(wrong);
        REQUIRE(options.has_error());
        CHECK(options.error().status == ExitStatus::usage);
    }
}

TEST_CASE("logout and status take options only")
{
    CHECK(parse_plain_options({"--server", "host"})->common.server->host == "host");
    CHECK(parse_plain_options({"--json"})->common.json);
    CHECK(parse_plain_options({"x"}).has_error());
}

TEST_CASE("help is shown even if all else is missing, and names the exit statuses")
{
    CHECK(parse_mkdir_options({"--help"})->common.help);
    CHECK(parse_login_options({"-h"})->common.help);
    CHECK(parse_plain_options({"--help", "x"})->common.help);
    for (const auto& text :
         {login_help(), mkdir_help(), ls_help(), tree_help(), time_help(), logout_help(), status_help()}) {
        CHECK(test::contains(text, "Exit status:"));
        CHECK(test::contains(text, "--accept-new"));
    }
    CHECK(test::contains(mkdir_help(), "--parents"));
}
