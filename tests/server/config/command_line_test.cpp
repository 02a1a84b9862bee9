#include "server/config/command_line.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

using Words = std::vector<std::string>;

Arguments parse(const Words& words, SettingFlags flags = SettingFlags::all,
                OnProblem on_problem = OnProblem::fail)
{
    return parse_arguments(words, {}, flags, on_problem);
}

std::string refusal(const Words& words, SettingFlags flags = SettingFlags::all)
{
    try {
        parse(words, flags);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "accepted";
}

} // namespace

TEST_CASE("without anything the settings are the defaults")
{
    const Arguments arguments = parse({});
    CHECK(arguments.settings.listen == Settings{}.listen);
    CHECK(arguments.settings.data == default_data_directory());
    CHECK_FALSE(arguments.help);
    CHECK(arguments.positional().empty());
    CHECK(arguments.config_file().empty());
}

TEST_CASE("every setting is a flag")
{
    const Arguments arguments =
        parse({"--data", "/srv", "--listen=:1", "--listen", ":2", "--durability=none", "--sync-parents", "4",
               "--directory-mode", "0700", "--scrypt", "ln=14,r=8,p=1", "--idle-timeout", "1h"});
    CHECK(arguments.settings.data == "/srv");
    CHECK(arguments.settings.listen == Words{":1", ":2"});
    CHECK((arguments.settings.durability == Durability::none));
    CHECK(arguments.settings.sync_parents == 4);
    CHECK(arguments.settings.directory_mode == 0700);
    CHECK((arguments.settings.idle_timeout == std::chrono::hours{1}));
}

TEST_CASE("flags win over the file, and the file over the defaults")
{
    const test::TemporaryDirectory directory;
    directory.write("ftpcd.conf", "listen = :1\nlisten = :2\nsync-parents = 3\nhash-queue = 5\n");
    const std::string file = directory.path("ftpcd.conf");
    const Arguments arguments = parse({"--config", file, "--listen", ":3", "--hash-queue", "7"});
    CHECK(arguments.config_file() == file);
    CHECK(arguments.settings.listen == Words{":3"});
    CHECK(arguments.settings.sync_parents == 3);
    CHECK(arguments.settings.hash_queue == 7);

    directory.write("ftpcd.conf", "sync-parents = 4\nhash-queue = 6\n");
    std::vector<Problem> problems;
    const Settings again = read_settings(arguments.setting_flags, arguments.config_file(), problems);
    CHECK(problems.empty());
    CHECK(again.sync_parents == 4);
    CHECK(again.hash_queue == 7);
    CHECK(again.listen == Words{":3"});
}

TEST_CASE("all that is wrong is said, with file and line or flag")
{
    const test::TemporaryDirectory directory;
    directory.write("ftpcd.conf", "port = 21\n\nsync-parents = many\n");
    const std::string file = directory.path("ftpcd.conf");
    const Words words{"--config", file, "--durability", "full"};
    CHECK(refusal(words) ==
          file + ":1: there is no setting 'port'\nftpcd: " + file +
              ":3: sync-parents must be a number from 0 to 4096\nftpcd: --durability: durability "
              "must be group or none");
    CHECK(parse(words, SettingFlags::all, OnProblem::keep).problems.size() == 3);
}

TEST_CASE("a settings file that cannot be read is a problem")
{
    const test::TemporaryDirectory directory;
    CHECK(refusal({"--config", directory.path("none")}) ==
          directory.path("none") + ": No such file or directory");
    CHECK(refusal({"--config", directory.path()}) == directory.path() + ": Is a directory");
    directory.write("large", std::string(1024 * 1024 + 1, '#'));
    CHECK(refusal({"--config", directory.path("large")}) == directory.path("large") + ": File too large");
    directory.write("anybody", "");
    REQUIRE(::chmod(directory.path("anybody").c_str(), 0666) == 0);
    const std::string anybody = directory.path("anybody");
    CHECK(refusal({"--config", anybody}) ==
          anybody + ": anybody can change it; mend it with: chmod o-w " + anybody);
}

TEST_CASE("a zone that is not on this machine is a problem")
{
    CHECK(parse({"--time-zone", "Europe/Berlin"}).settings.time_zone == "Europe/Berlin");
    CHECK_THAT(refusal({"--time-zone", "Europe/Nowhere"}),
               test::starts_with("time-zone: there is no zone 'Europe/Nowhere'"));
    CHECK_THAT(refusal({"--time-zone", "../localtime"}), test::starts_with("time-zone: there is no zone"));
}

TEST_CASE("unknown, abbreviated and incomplete flags are refused")
{
    for (const Words& words : {Words{"--port", "21"}, {"--dura", "none"}, {"--data"}, {"-x"}, {"--config"}}) {
        INFO(words.front());
        CHECK(refusal(words) != "accepted");
    }
}

TEST_CASE("a subcommand that changes users takes the settings that this depends on and no others")
{
    CHECK(parse({"--data", "/srv"}, SettingFlags::of_users).settings.data == "/srv");
    CHECK_THAT(refusal({"--listen", ":1"}, SettingFlags::of_users), test::contains("listen"));
    const test::TemporaryDirectory directory;
    directory.write("ftpcd.conf", "listen = :1\ndata = /elsewhere\n");
    CHECK(parse({"--config", directory.path("ftpcd.conf")}, SettingFlags::of_users).settings.data ==
          "/elsewhere");
}

TEST_CASE("help is shown even if the settings are wrong")
{
    CHECK(parse({"--help", "--durability", "full"}).help);
    CHECK(parse({"-h"}).help);
}

TEST_CASE("words that are no flags are kept in order, also behind two dashes")
{
    CHECK(parse({"alice", "--data", "/srv", "bob"}).positional() == Words{"alice", "bob"});
    CHECK(parse({"--", "--data", "-x"}).positional() == Words{"--data", "-x"});
}

TEST_CASE("an own option of the subcommand is told apart from the settings")
{
    boost::program_options::options_description own;
    own.add_options()("generate", "make a password");
    const Arguments arguments =
        parse_arguments({"--generate", "alice"}, own, SettingFlags::of_users, OnProblem::fail);
    CHECK(arguments.values.count("generate") == 1);
    CHECK(arguments.setting_flags.empty());
}
