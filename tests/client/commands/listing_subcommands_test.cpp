#include "client/commands/subcommands.hpp"

#include "client/program_run.hpp"
#include "client/saved_login.hpp"
#include "client/scripted_server.hpp"

#include <clocale>
#include <cstdlib>
#include <ctime>

using namespace ftpc;
using namespace ftpc::client;
using ftpc::test::be_logged_in;
using ftpc::test::contains;
using ftpc::test::Peer;
using ftpc::test::ProgramRun;
using ftpc::test::ScriptedServer;

namespace {

// One part of a listing of `path`; `entries` are lines without their first space.
std::string piece(int code, const std::string& path, const std::vector<std::string>& entries,
                  const std::string& end)
{
    const std::string number = std::to_string(code);
    std::string text = number + "-\"" + path + "\"\r\n";
    for (const std::string& entry : entries)
        text += " " + entry + "\r\n";
    return text + number + " " + end + "\r\n";
}

std::string whole(const std::string& path, const std::vector<std::string>& entries,
                  const std::string& end = "End")
{
    return piece(250, path, entries, end);
}

std::string top(const std::string& path)
{
    return "type=dir;modify=20261130101500;unix.mode=0755; " + path;
}

LsOptions ls_options(std::vector<std::string> paths)
{
    LsOptions options;
    options.paths = std::move(paths);
    return options;
}

TreeOptions tree_options(const std::string& path)
{
    TreeOptions options;
    options.path = path;
    return options;
}

// A server that lets the user in and answers all commands behind that with `replies`.
ScriptedServer::Script answering(const std::string& replies, std::vector<std::string>* commands = nullptr)
{
    return [=](Peer& peer) {
        peer.greet_and_start_tls();
        const auto sent = peer.read_lines_until("QUIT"); // all of them before any reply
        if (commands != nullptr) *commands = sent;
        peer.write("331 go on\r\n230 in\r\n" + replies + "221 bye\r\n");
        peer.client_said_goodbye();
    };
}

struct InLocaleAndZone {
    InLocaleAndZone()
    {
        ::setenv("LC_ALL", "C.UTF-8", 1);
        ::setenv("TZ", "JST-9", 1);
        ::tzset();
    }
    InLocaleAndZone(const InLocaleAndZone&) = delete;
    InLocaleAndZone& operator=(const InLocaleAndZone&) = delete;
    ~InLocaleAndZone()
    {
        ::unsetenv("LC_ALL");
        ::unsetenv("TZ");
        ::tzset();
        std::setlocale(LC_ALL, "C");
    }
};

} // namespace

TEST_CASE("ls sends login and all paths in one flight, and prints sorted names one a line")
{
    ProgramRun run;
    std::vector<std::string> commands;
    ScriptedServer server{answering(
        whole("/", {top("/"), "type=dir; b", "type=file;size=3; a.txt", "type=dir; .hidden"}), &commands)};
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::done);
    CHECK(server.finish().empty());
    REQUIRE(commands.size() == 4);
    CHECK(commands[0] == "USER alice");
    CHECK(commands[1].starts_with("SITE AUTH SESSKEY1 "));
    CHECK(commands[2] == "SITE MLSD 1 /");
    CHECK(run.out() == "a.txt\nb/\n");
    CHECK(run.err().empty());
}

TEST_CASE("ls -a shows names that begin with a dot")
{
    ProgramRun run;
    const ScriptedServer server{answering(whole("/", {top("/"), "type=dir; b", "type=dir; .hidden"}))};
    be_logged_in(server);
    LsOptions options = ls_options({"/"});
    options.all = true;
    CHECK(run([&] { return ls(options); }) == ExitStatus::done);
    CHECK(run.out() == ".hidden/\nb/\n");
}

TEST_CASE("ls -l has permissions, size and local time in columns")
{
    const InLocaleAndZone tokyo;
    ProgramRun run;
    const ScriptedServer server{answering(whole(
        "/", {top("/"), "type=dir;modify=20261130101500;unix.mode=0750; b",
              "type=file;size=12345;modify=20251231160000;unix.mode=0644; a", "type=OS.unix=socket; s"}))};
    be_logged_in(server);
    LsOptions options = ls_options({"/"});
    options.long_form = true;
    CHECK(run([&] { return ls(options); }) == ExitStatus::done);
    CHECK(run.out() == "-rw-r--r--  12345  2026-01-01 01:00  a\n"
                       "drwxr-x---      -  2026-11-30 19:15  b/\n"
                       "??????????      -  ?                 s\n");
}

TEST_CASE("several paths get headings, files stand by themselves, and a failed path stops none")
{
    ProgramRun run;
    const ScriptedServer server{
        answering(whole("/a", {top("/a"), "type=dir; x"}) + "550 No such file or directory\r\n" +
                  whole("/f", {"type=file;size=1; /f"}) + whole("/g", {"type=file;size=1; /g"}) +
                  whole("/empty", {top("/empty")}))};
    be_logged_in(server);
    const auto status = run([] {
        return ls(ls_options({"a", "nowhere", "bad\nname", "f", "g", "", "empty"}));
    });
    CHECK(status == ExitStatus::failed);
    CHECK(run.out() == "a:\nx/\n\nf\ng\n\nempty:\n");
    CHECK(contains(run.err(), "ftpc: nowhere: No such file or directory\n"));
    CHECK(contains(run.err(), "ftpc: bad\\x0aname: control characters"));
    CHECK(contains(run.err(), "ftpc: '': the path is empty\n"));
}

TEST_CASE("ls says everything as JSON, one object a line, with the very names")
{
    ProgramRun run;
    const ScriptedServer server{
        answering(whole("/a",
                        {top("/a"), "type=file;size=3;modify=20261130101500;unix.mode=0644; \"n\xE2\x80\x8B",
                         "type=dir; b"},
                        "End; 1 name cannot be shown.") +
                  "550 no\r\n" + whole("/f", {"type=file;size=1; /f"}))};
    be_logged_in(server);
    LsOptions options = ls_options({"a", "b", "f"});
    options.common.json = true;
    CHECK(run([&] { return ls(options); }) == ExitStatus::failed);
    CHECK(run.err().empty());
    CHECK(run.out() == "{\"path\":\"/a/\\\"n\\u200b\",\"name\":\"\\\"n\\u200b\",\"type\":\"file\",\"size\":3,"
                       "\"modified\":\"2026-11-30T10:15:00Z\",\"mode\":\"0644\"}\n"
                       "{\"path\":\"/a/b\",\"name\":\"b\",\"type\":\"directory\"}\n"
                       "{\"path\":\"a\",\"note\":\"1 name cannot be shown\"}\n"
                       "{\"path\":\"b\",\"error\":\"no\",\"code\":550}\n"
                       "{\"path\":\"/f\",\"name\":\"f\",\"type\":\"file\",\"size\":1}\n");
}

TEST_CASE("names that the server left out are mentioned, and are no failure")
{
    ProgramRun run;
    const ScriptedServer server{
        answering(whole("/", {top("/"), "type=dir; b"}, "End; 2 names cannot be shown."))};
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::done);
    CHECK(run.out() == "b/\n");
    CHECK(run.err() == "ftpc: /: 2 names cannot be shown\n");
}

TEST_CASE("a listing of many parts, longer than any one reply may be, is shown whole")
{
    ProgramRun run;
    constexpr int pieces = 300;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n");
        peer.write(piece(150, "/", {top("/")}, "More follows."));
        for (int i = 0; i < pieces; ++i) {
            std::vector<std::string> entries;
            for (int j = 0; j < 100; ++j)
                entries.push_back("type=dir; " + std::to_string(100'000 + i * 100 + j));
            peer.write(
                piece(i + 1 < pieces ? 150 : 250, "/", entries, i + 1 < pieces ? "More follows." : "End"));
        }
        peer.write("221 bye\r\n");
        peer.client_said_goodbye();
    }};
    be_logged_in(server);
    std::string expected;
    for (int i = 0; i < pieces * 100; ++i)
        expected += std::to_string(100'000 + i) + "/\n";
    CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::done);
    CHECK(run.out() == expected);
}

TEST_CASE("colours are for directories, if they are asked for")
{
    ProgramRun run;
    const ScriptedServer server{answering(whole("/", {top("/"), "type=dir; b", "type=file; a"}))};
    be_logged_in(server);
    LsOptions options = ls_options({"/"});
    options.colours = Colours::always;
    CHECK(run([&] { return ls(options); }) == ExitStatus::done);
    CHECK(run.out() == "a\n\x1b[1;34mb\x1b[0m/\n");
}

TEST_CASE(
    "a connection that is lost in the middle of a listing is said, and nothing of that listing is shown")
{
    ProgramRun run;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n" + whole("/a", {top("/a"), "type=dir; x"}) +
                   piece(150, "/b", {top("/b"), "type=dir; y"}, "More follows.") + "150-\"/b\"\r\n type=");
    }};
    be_logged_in(server);
    LsOptions options = ls_options({"a", "b"});
    SECTION("in words")
    {
        CHECK(run([&] { return ls(options); }) == ExitStatus::unreachable);
        CHECK(run.out() == "a:\nx/\n");
        CHECK(contains(run.err(), " lost: "));
    }
    SECTION("as JSON")
    {
        options.common.json = true;
        CHECK(run([&] { return ls(options); }) == ExitStatus::unreachable);
        CHECK(contains(run.out(), R"({"path":"/a/x","name":"x","type":"directory"})"));
        CHECK(contains(run.out(), R"("exit_status":4)"));
        CHECK_FALSE(contains(run.out(), "\"y\""));
    }
}

TEST_CASE("a server that shuts down while it lists is named with its words")
{
    ProgramRun run;
    const ScriptedServer server{
        answering(piece(150, "/", {top("/")}, "More follows.") + "421 Shutting down.\r\n")};
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::unreachable);
    CHECK(contains(run.err(), "421 Shutting down."));
}

TEST_CASE("a server that is quiet in the middle of a listing is waited for no longer than the timeout")
{
    ProgramRun run;
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n" + piece(150, "/", {top("/")}, "More follows."));
        peer.client_said_goodbye();
    }};
    be_logged_in(server);
    LsOptions options = ls_options({"/"});
    options.common.timeout = std::chrono::seconds{1};
    CHECK(run([&] { return ls(options); }) == ExitStatus::unreachable);
    CHECK(contains(run.err(), "no answer for 1 seconds"));
}

TEST_CASE("hostile names end the listing, and nothing of it is shown")
{
    for (const char* const name : {"../x", "/etc/passwd", "..", "a/b", "\x1b[2J"}) {
        ProgramRun run;
        const ScriptedServer server{
            answering(whole("/", {top("/"), "type=dir; good", "type=file; " + std::string{name}}))};
        be_logged_in(server);
        CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::unreachable);
        CHECK(run.out().empty());
        CHECK(contains(run.err(), "does not keep to the protocol"));
        CHECK_FALSE(contains(run.err(), "\x1b"));
    }
}

TEST_CASE("a refused login says how to log in again, and nothing about the paths")
{
    ProgramRun run;
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n530 no\r\n530 no\r\n221 bye\r\n");
    }};
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"some-path", "bad\nname"})); }) == ExitStatus::refused);
    CHECK(run.out().empty());
    CHECK(contains(run.err(), "ftpc login alice@127.0.0.1:"));
    CHECK_FALSE(contains(run.err(), "some-path"));
    CHECK_FALSE(contains(run.err(), "name"));
}

TEST_CASE("if another login has taken the place of the session, ls goes on with that one")
{
    ProgramRun run;
    std::vector<std::string> commands;
    ScriptedServer* listening = nullptr;
    ScriptedServer server{
        {[&](Peer& peer) {
             peer.greet_and_start_tls();
             peer.read_lines_until("QUIT");
             SavedSession session{{}, {}, 4102444800};
             session.id.fill(0xbb);
             const auto state = StateDirectory::of_this_user();
             test::expect(save_login(*state, {test::address(*listening), "alice", session}).has_value(),
                          "another login is saved");
             peer.write("331 go on\r\n530 no\r\n530 Log in first.\r\n");
         },
         answering(whole("/", {top("/"), "type=dir; b"}), &commands)}};
    listening = &server;
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"/"})); }) == ExitStatus::done);
    CHECK(server.finish().empty());
    CHECK(run.out() == "b/\n");
    CHECK(run.err().empty());
    CHECK(commands.at(1).starts_with("SITE AUTH SESSKEY1 " + std::string(32, 'b')));
}

TEST_CASE("a server without listings for ftpc is said once")
{
    ProgramRun run;
    const ScriptedServer server{
        answering("504 SITE has no such command.\r\n504 SITE has no such command.\r\n")};
    be_logged_in(server);
    CHECK(run([] { return ls(ls_options({"a", "b"})); }) == ExitStatus::unreachable);
    CHECK(run.out().empty());
    CHECK(contains(run.err(), "cannot list directories for ftpc (SITE MLSD)"));
    CHECK(contains(run.err(), "504 SITE has no such command."));
}

TEST_CASE("tree draws what lies beneath a path, sorted, and counts it")
{
    const InLocaleAndZone utf8;
    ProgramRun run;
    std::vector<std::string> commands;
    ScriptedServer server{answering(
        whole("/projects", {top("/projects"), "type=dir; b", "type=dir; b/d", "type=file; b/d/x",
                            "type=file; b/c", "type=file; .hidden", "type=dir; a", "type=dir; a/y"}),
        &commands)};
    be_logged_in(server);
    CHECK(run([] { return tree(tree_options("projects")); }) == ExitStatus::done);
    CHECK(server.finish().empty());
    CHECK(commands.at(2) == "SITE MLSD 32 /projects");
    CHECK(run.out() == "projects/\n"
                       "├── a/\n"
                       "│   └── y/\n"
                       "└── b/\n"
                       "    ├── c\n"
                       "    └── d/\n"
                       "        └── x\n"
                       "\n"
                       "4 directories, 2 files\n");
}

TEST_CASE("tree draws in ASCII if the locale is not UTF-8, and goes as many levels down as it is told")
{
    ProgramRun run;
    ::setenv("LC_ALL", "C", 1);
    std::vector<std::string> commands;
    ScriptedServer server{
        answering(whole("/", {top("/"), "type=dir; a", "type=file; a/b", "type=file; c"}), &commands)};
    be_logged_in(server);
    TreeOptions options = tree_options("/");
    options.depth = 2;
    CHECK(run([&] { return tree(options); }) == ExitStatus::done);
    ::unsetenv("LC_ALL");
    CHECK(server.finish().empty());
    CHECK(commands.at(2) == "SITE MLSD 2 /");
    CHECK(run.out() == "/\n|-- a/\n|   `-- b\n`-- c\n\n1 directory, 2 files\n");
}

TEST_CASE("tree shows a file as itself")
{
    ProgramRun run;
    const ScriptedServer server{answering(whole("/a/f", {"type=file;size=1; /a/f"}))};
    be_logged_in(server);
    CHECK(run([] { return tree(tree_options("a/f")); }) == ExitStatus::done);
    CHECK(run.out() == "a/f\n\n0 directories, 1 file\n");
}

TEST_CASE("tree says if directories lie deeper than the server goes at once")
{
    ProgramRun run;
    std::vector<std::string> entries{top("/")};
    std::string name;
    for (int level = 1; level <= 32; ++level)
        entries.push_back("type=dir; " + (name += name.empty() ? "d" : "/d"));
    const ScriptedServer server{answering(whole("/", entries))};
    be_logged_in(server);
    CHECK(run([] { return tree(tree_options("/")); }) == ExitStatus::done);
    CHECK(contains(run.out(), "32 directories, 0 files"));
    CHECK(contains(run.err(), "32 levels down are shown without their contents"));
}

TEST_CASE("tree as JSON has one object for each entry, parents first")
{
    ProgramRun run;
    const ScriptedServer server{
        answering(whole("/a", {top("/a"), "type=dir; c", "type=file;size=0; c/d", "type=file;size=1; b"}))};
    be_logged_in(server);
    TreeOptions options = tree_options("a");
    options.common.json = true;
    CHECK(run([&] { return tree(options); }) == ExitStatus::done);
    CHECK(run.out() == "{\"path\":\"/a/b\",\"name\":\"b\",\"type\":\"file\",\"size\":1}\n"
                       "{\"path\":\"/a/c\",\"name\":\"c\",\"type\":\"directory\"}\n"
                       "{\"path\":\"/a/c/d\",\"name\":\"d\",\"type\":\"file\",\"size\":0}\n");
}

TEST_CASE("tree of a path that is not there fails")
{
    ProgramRun run;
    const ScriptedServer server{answering("550 No such file or directory\r\n")};
    be_logged_in(server);
    CHECK(run([] { return tree(tree_options("nowhere")); }) == ExitStatus::failed);
    CHECK(run.out().empty());
    CHECK(run.err() == "ftpc: nowhere: No such file or directory\n");
}
