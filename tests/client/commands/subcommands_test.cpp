#include "client/commands/subcommands.hpp"

#include "client/program_run.hpp"
#include "client/saved_login.hpp"
#include "client/scripted_server.hpp"
#include "client/state/known_servers.hpp"
#include "client/state/saved_logins.hpp"
#include "client/terminal/dates.hpp"
#include "shared/base/base64.hpp"
#include "shared/protocol/prehash.hpp"

#include <sys/stat.h>

using namespace ftpc;
using namespace ftpc::client;
using ftpc::test::address;
using ftpc::test::be_logged_in;
using ftpc::test::contains;
using ftpc::test::Peer;
using ftpc::test::ProgramRun;
using ftpc::test::ScriptedServer;
using ftpc::test::session_id;

namespace {

// The first step of a login: reads FEAT and answers with a realm.
void show_features(Peer& peer, const std::string& realm = "realm-1")
{
    peer.greet_and_start_tls();
    test::expect(peer.read_line() == "FEAT", "the client asks for the features");
    peer.write("211-Features:\r\n SITE REALM " + realm + "\r\n211 End\r\n");
}

// USER, SITE AUTH and SITE SESSION NEW, which come before any reply.
std::vector<std::string> read_login(Peer& peer)
{
    std::vector<std::string> commands;
    for (int i = 0; i < 3; ++i)
        commands.push_back(peer.read_line());
    return commands;
}

void expect_quit(Peer& peer)
{
    test::expect(peer.read_line() == "QUIT", "the client says QUIT");
}

void grant_session(Peer& peer)
{
    read_login(peer);
    peer.write("331 go on\r\n230 in\r\n200 SESSION " + session_id + " EXPIRES " +
               std::to_string(now_in_seconds() + 7 * 86400) + "\r\n");
    expect_quit(peer);
}

void let_in(Peer& peer)
{
    show_features(peer);
    grant_session(peer);
}

LoginOptions login_options(const ScriptedServer& server)
{
    LoginOptions options;
    options.target = {"alice", "127.0.0.1", server.port()};
    options.password_stdin = true;
    options.common.trust.pin = server.certificate().fingerprint();
    return options;
}

ExitStatus log_in(ProgramRun& run, const LoginOptions& options)
{
    return run([&] { return login(options); }, "correct horse\n");
}

MkdirOptions mkdir_options(std::vector<std::string> paths)
{
    MkdirOptions options;
    options.paths = std::move(paths);
    return options;
}

} // namespace

TEST_CASE("a login sends the hash of the password in one flight and keeps the session")
{
    ProgramRun run;
    std::vector<std::string> commands;
    ScriptedServer server{[&](Peer& peer) {
        show_features(peer);
        commands = read_login(peer);
        peer.write("331 go on\r\n230 in\r\n200 SESSION " + session_id + " EXPIRES 4102444800\r\n");
        expect_quit(peer);
    }};
    LoginOptions options = login_options(server);
    options.ttl = std::chrono::hours{1};
    CHECK(log_in(run, options) == ExitStatus::done);
    CHECK(server.finish().empty());
    REQUIRE(commands.size() == 3);
    CHECK(commands[0] == "USER alice");
    CHECK(commands[1] == "SITE AUTH PREHASH1 " + base64_encode(prehash("correct horse", "realm-1", "alice")));
    CHECK(commands[2].starts_with("SITE SESSION NEW "));
    CHECK(commands[2].ends_with(" 3600"));
    CHECK(contains(run.out(), "Logged in as alice until "));
    CHECK(run.err().empty());

    const auto logins = SavedLogins::parse(run.state("sessions"));
    REQUIRE(logins);
    REQUIRE(logins->most_recent() != nullptr);
    CHECK(logins->most_recent()->session->expires == 4102444800);
    const auto known = KnownServers::parse(run.state("known_servers"));
    REQUIRE(known);
    CHECK(known->find(address(server))->realm == "realm-1");
    CHECK(known->find(address(server))->trust.value == server.certificate().fingerprint());
}

TEST_CASE("a refused login keeps no session")
{
    ProgramRun run;
    const ScriptedServer server{[](Peer& peer) {
        show_features(peer);
        read_login(peer);
        peer.write("331 go on\r\n530 no\r\n530 no\r\n");
    }};
    CHECK(log_in(run, login_options(server)) == ExitStatus::refused);
    CHECK(contains(run.err(), "login refused by 127.0.0.1:" + std::to_string(server.port())));
    CHECK(run.out().empty());
    CHECK(run.state("sessions").empty());
}

TEST_CASE(
    "a login goes on over a new connection when the server went away during the question for the password")
{
    ProgramRun run;
    SECTION("without a word")
    {
        ScriptedServer server{{[](Peer& peer) { show_features(peer); }, let_in}};
        CHECK(log_in(run, login_options(server)) == ExitStatus::done);
        CHECK(server.finish().empty());
    }
    SECTION("saying so")
    {
        ScriptedServer server{{[](Peer& peer) {
                                   show_features(peer);
                                   peer.write("421 idle\r\n");
                                   peer.client_said_goodbye();
                               },
                               let_in}};
        CHECK(log_in(run, login_options(server)) == ExitStatus::done);
        CHECK(server.finish().empty());
    }
}

TEST_CASE("a login that is never answered is not tried without end")
{
    ProgramRun run;
    const auto go_away = [](Peer& peer) { show_features(peer); };
    ScriptedServer server{{go_away, go_away}};
    CHECK(log_in(run, login_options(server)) == ExitStatus::unreachable);
    CHECK(server.finish().empty());
}

TEST_CASE("a server that announces another realm than before gets no hash")
{
    ProgramRun run;
    ScriptedServer server{{let_in, [](Peer& peer) {
                               show_features(peer, "realm-2");
                               test::expect(!peer.client_said_goodbye(), "the client leaves without a word");
                           }}};
    LoginOptions options = login_options(server);
    CHECK(log_in(run, options) == ExitStatus::done);
    options.common.trust.pin.clear();
    CHECK(log_in(run, options) == ExitStatus::untrusted);
    CHECK(server.finish().empty());
    CHECK(contains(run.err(), "line 1 of "));
    CHECK(contains(run.err(), "realm-2"));
}

TEST_CASE("a server with another key than before gets nothing, and the user gets advice")
{
    ProgramRun run;
    SessionKeyPair key = make_session_key_pair();
    ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.client_said_goodbye();
        // A command that came after the handshake would be here.
    }};
    be_logged_in(server, key.private_key);
    const auto state = StateDirectory::of_this_user();
    const std::string old_pin = "SHA256:" + std::string(43, 'A');
    REQUIRE(remember_server(*state, {address(server), "realm-1", "2026-01-01", {Trust::Kind::pin, old_pin}}));
    CHECK(run([&] { return mkdir(mkdir_options({"a"})); }) == ExitStatus::untrusted);
    CHECK(contains(run.err(), old_pin));
    CHECK(contains(run.err(), "--pin " + server.certificate().fingerprint()));
    CHECK(run.out().empty());
}

TEST_CASE("a server without a realm has no login for ftpc")
{
    ProgramRun run;
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write("211 no features\r\n");
        peer.client_said_goodbye();
    }};
    CHECK(log_in(run, login_options(server)) == ExitStatus::unreachable);
}

TEST_CASE("mkdir sends login and all paths in one flight, and prints the result of each")
{
    ProgramRun run;
    SessionKeyPair key = make_session_key_pair();
    std::vector<std::string> commands;
    ChannelBinding binding{};
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        binding = peer.channel_binding();
        commands = peer.read_lines_until("QUIT"); // all of them before any reply
        peer.write("331 go on\r\n230 in\r\n257 \"/a\" made\r\n550 File exists\r\n521 \"/c\" is there\r\n"
                   "257 \"/say \"\"hi\"\"\" made\r\n221 bye\r\n");
        test::expect(peer.client_said_goodbye(), "the client says close_notify");
    }};
    be_logged_in(server, key.private_key);
    const auto status = run([] {
        return mkdir(mkdir_options({"a", "b", "bad\nname", "c", "", "say \"hi\""}));
    });
    CHECK(status == ExitStatus::failed);
    CHECK(server.finish().empty());
    REQUIRE(commands.size() == 7);
    CHECK(commands[0] == "USER alice");
    CHECK(commands[2] == "MKD /a");
    CHECK(commands[5] == "MKD /say \"hi\"");
    CHECK(run.out() == "/a\n/say \"hi\"\n");
    CHECK(contains(run.err(), "ftpc: b: File exists\n"));
    CHECK(contains(run.err(), "ftpc: c: already exists\n"));
    CHECK(contains(run.err(), "ftpc: bad\\x0aname: "));
    CHECK(contains(run.err(), "ftpc: '': the path is empty\n"));

    const std::string prefix = "SITE AUTH SESSKEY1 " + session_id + " ";
    REQUIRE(commands[1].starts_with(prefix));
    SessionSignature signature{};
    REQUIRE(base64_decode_into(commands[1].substr(prefix.size()), signature));
    SessionId id;
    id.fill(0xaa);
    CHECK(verify_session(key.public_key, binding, id, "alice", signature));
}

TEST_CASE("if another login has taken the place of the session, mkdir and status go on with that one")
{
    ProgramRun run;
    const SessionKeyPair newer = make_session_key_pair();
    std::vector<std::string> commands;
    ScriptedServer* listening = nullptr;
    ChannelBinding binding{};
    ScriptedServer server{{[&](Peer& peer) {
                               peer.greet_and_start_tls();
                               const auto first = peer.read_lines_until("QUIT");
                               SavedSession session{{}, newer.private_key, 4102444800};
                               session.id.fill(0xbb);
                               const auto state = StateDirectory::of_this_user();
                               test::expect(
                                   save_login(*state, {address(*listening), "alice", session}).has_value(),
                                   "another login is saved");
                               peer.write("331 go on\r\n530 no\r\n");
                               for (std::size_t i = 2; i < first.size(); ++i)
                                   peer.write("530 Log in first.\r\n");
                           },
                           [&](Peer& peer) {
                               peer.greet_and_start_tls();
                               binding = peer.channel_binding();
                               commands = peer.read_lines_until("QUIT");
                               peer.write("331 go on\r\n230 in\r\n");
                               for (std::size_t i = 3; i < commands.size(); ++i)
                                   peer.write("257 made\r\n");
                               peer.write("221 bye\r\n");
                           }}};
    listening = &server;
    be_logged_in(server, {});
    SECTION("mkdir, with no path lost")
    {
        CHECK(run([] { return mkdir(mkdir_options({"a", "-", "d"})); }, "b\nc\n") == ExitStatus::done);
        CHECK(server.finish().empty());
        CHECK(run.out() == "/a\n/b\n/c\n/d\n");
        REQUIRE(commands.size() == 7);
    }
    SECTION("status")
    {
        CHECK(run([] { return status({}); }) == ExitStatus::done);
        CHECK(server.finish().empty());
        CHECK(contains(run.out(), "Logged in as alice"));
        REQUIRE(commands.size() == 3);
    }
    CHECK(run.err().empty());
    const std::string prefix = "SITE AUTH SESSKEY1 " + std::string(32, 'b') + " ";
    REQUIRE(commands[1].starts_with(prefix));
    SessionSignature signature{};
    REQUIRE(base64_decode_into(commands[1].substr(prefix.size()), signature));
    SessionId id;
    id.fill(0xbb);
    CHECK(verify_session(newer.public_key, binding, id, "alice", signature));
}

TEST_CASE("a login ends the session whose place it takes, also one that was saved while it went on")
{
    ProgramRun run;
    std::string ended;
    ScriptedServer* listening = nullptr;
    ScriptedServer server{[&](Peer& peer) {
        show_features(peer);
        read_login(peer);
        SavedSession session{{}, {}, 4102444800};
        session.id.fill(0xbb);
        const auto state = StateDirectory::of_this_user();
        test::expect(save_login(*state, {address(*listening), "alice", session}).has_value(),
                     "another login is saved");
        peer.write("331 go on\r\n230 in\r\n200 SESSION " + session_id + " EXPIRES 4102444800\r\n");
        ended = peer.read_line();
        expect_quit(peer);
        peer.write("200 ended\r\n221 bye\r\n");
    }};
    listening = &server;
    CHECK(log_in(run, login_options(server)) == ExitStatus::done);
    CHECK(server.finish().empty());
    CHECK(ended == "SITE SESSION END " + std::string(32, 'b'));
}

TEST_CASE("times that no calendar has are no trouble, for any requested time")
{
    ProgramRun run;
    for (const char* const time : {"9223372036854775807", "67768036191676799", "1"}) {
        ScriptedServer server{[&](Peer& peer) {
            show_features(peer);
            read_login(peer);
            peer.write("331 go on\r\n230 in\r\n200 SESSION " + session_id + " EXPIRES " + time + "\r\n");
            expect_quit(peer);
        }};
        LoginOptions options = login_options(server);
        options.ttl = std::chrono::hours{24 * 3650};
        CHECK(log_in(run, options) == ExitStatus::done);
        CHECK(server.finish().empty());
        CHECK_FALSE(contains(run.out(), "the longest that the server allows"));
    }
}

TEST_CASE("mkdir says everything as JSON, one object a line")
{
    ProgramRun run;
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n257 \"/a\" made\r\n250 there\r\n550 File exists\r\n221 bye\r\n");
        peer.client_said_goodbye();
    }};
    be_logged_in(server, {});
    MkdirOptions options = mkdir_options({"a", "b", "c", "bad\nname"});
    options.parents = true;
    options.common.json = true;
    CHECK(run([&] { return mkdir(options); }) == ExitStatus::failed);
    CHECK(run.err().empty());
    CHECK(contains(run.out(), R"({"path":"/a","made":true})"));
    CHECK(contains(run.out(), R"({"path":"/b","made":false})"));
    CHECK(contains(run.out(), R"({"path":"c","made":false,"error":"File exists","code":550})"));
    CHECK(contains(run.out(), R"({"path":"bad\\x0aname","made":false,"error":")"));
}

TEST_CASE("mkdir takes a long list from standard input, with replies while it reads")
{
    ProgramRun run;
    constexpr int paths = 20'000;
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.read_line();
        peer.write("331 go on\r\n230 in\r\n");
        for (int i = 0; i < paths; ++i)
            peer.write("257 \"" + peer.read_line().substr(4) + "\" made\r\n");
        test::expect(peer.read_line() == "QUIT", "QUIT comes last");
        peer.write("221 bye\r\n");
    }};
    be_logged_in(server, {});
    std::string list;
    std::string expected;
    for (int i = 0; i < paths; ++i) {
        list += "directory-" + std::to_string(i) + "\n";
        expected += "/directory-" + std::to_string(i) + "\n";
    }
    CHECK(run([] { return mkdir(mkdir_options({"-"})); }, list) == ExitStatus::done);
    CHECK(server.finish().empty());
    CHECK(run.out() == expected);
}

TEST_CASE("a connection lost midway tells how many were answered and that nobody knows about the rest")
{
    ProgramRun run;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n257 \"/a\" made\r\n257 \"/b");
    }};
    be_logged_in(server, {});
    MkdirOptions options = mkdir_options({"a", "b", "c"});
    SECTION("in words")
    {
        CHECK(run([&] { return mkdir(options); }) == ExitStatus::unreachable);
        CHECK(run.out() == "/a\n");
        CHECK(contains(run.err(), "Answered before that: 1;"));
        CHECK(contains(run.err(), "nobody can say): 2"));
    }
    SECTION("as JSON")
    {
        options.common.json = true;
        CHECK(run([&] { return mkdir(options); }) == ExitStatus::unreachable);
        CHECK(contains(run.out(), R"({"path":"/a","made":true})"));
        CHECK(contains(run.out(), R"({"path":"b","made":null,)"));
        CHECK(contains(run.out(), R"({"path":"c","made":null,)"));
        CHECK(contains(run.out(), R"("exit_status":4)"));
    }
}

TEST_CASE("a server that shuts down midway is named with its words")
{
    ProgramRun run;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n257 \"/a\" made\r\n421 Shutting down.\r\n");
        peer.client_said_goodbye();
    }};
    be_logged_in(server, {});
    CHECK(run([] { return mkdir(mkdir_options({"a", "b"})); }) == ExitStatus::unreachable);
    CHECK(contains(run.err(), "421 Shutting down."));
    CHECK(contains(run.err(), "nobody can say): 1"));
}

TEST_CASE("a refused session says how to log in again, and nothing about the paths")
{
    ProgramRun run;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n530 no\r\n530 no\r\n221 bye\r\n");
    }};
    be_logged_in(server, {});
    CHECK(run([] { return mkdir(mkdir_options({"some-path"})); }) == ExitStatus::refused);
    CHECK(run.out().empty());
    CHECK(contains(run.err(), "ftpc login alice@127.0.0.1:"));
    CHECK_FALSE(contains(run.err(), "some-path"));
    CHECK_FALSE(contains(run.err(), "nswered"));
}

TEST_CASE("mkdir without a login is refused, and says how to log in")
{
    ProgramRun run;
    CHECK(run([] { return mkdir(mkdir_options({"a"})); }) == ExitStatus::refused);
    CHECK(contains(run.err(), "not logged in"));
}

TEST_CASE("logout ends the session on the server and here")
{
    ProgramRun run;
    std::vector<std::string> commands;
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        commands = peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n230 in\r\n200 Session ended.\r\n221 bye\r\n");
    }};
    be_logged_in(server, {});
    CHECK(run([] { return logout({}); }) == ExitStatus::done);
    CHECK(server.finish().empty());
    CHECK(commands.at(2) == "SITE SESSION END");
    CHECK(contains(run.out(), "Logged out alice"));
    CHECK_FALSE(contains(run.state("sessions"), session_id));
    CHECK(run([] { return logout({}); }) == ExitStatus::refused);
}

TEST_CASE("logout without the server ends the session here and says so")
{
    ProgramRun run;
    {
        const ScriptedServer server{std::vector<ScriptedServer::Script>{}};
        be_logged_in(server, {});
    }
    CHECK(run([] { return logout({}); }) == ExitStatus::unreachable);
    CHECK(contains(run.err(), "removed here"));
    CHECK_FALSE(contains(run.state("sessions"), session_id));
}

TEST_CASE("logout of a session that the server has ended already is a logout")
{
    ProgramRun run;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("QUIT");
        peer.write("331 go on\r\n530 no\r\n530 no\r\n221 bye\r\n");
    }};
    be_logged_in(server, {});
    CHECK(run([] { return logout({}); }) == ExitStatus::done);
    CHECK_FALSE(contains(run.state("sessions"), session_id));
}

TEST_CASE("status tells whether the session holds")
{
    ProgramRun run;
    const auto answer = [](const char* replies) {
        return [replies](Peer& peer) {
            peer.greet_and_start_tls();
            peer.read_lines_until("QUIT");
            peer.write(replies);
        };
    };
    const ScriptedServer server{{answer("331 go on\r\n230 in\r\n221 bye\r\n"),
                                 answer("331 go on\r\n530 no\r\n221 bye\r\n"),
                                 answer("331 go on\r\n230 in\r\n221 bye\r\n")}};
    be_logged_in(server, {});
    CHECK(run([] { return status({}); }) == ExitStatus::done);
    CHECK(contains(run.out(), "Logged in as alice at 127.0.0.1:"));
    CHECK(run([] { return status({}); }) == ExitStatus::refused);
    CHECK(contains(run.out(), "Saved here"));
    CHECK(contains(run.err(), "ftpc login alice@"));
    PlainOptions options;
    options.common.json = true;
    CHECK(run([&] { return status(options); }) == ExitStatus::done);
    CHECK(contains(run.out(), R"("logged_in":true})"));
}

TEST_CASE("files that others can read are not used")
{
    ProgramRun run;
    const ScriptedServer server{std::vector<ScriptedServer::Script>{}};
    be_logged_in(server, {});
    const auto state = StateDirectory::of_this_user();
    REQUIRE(::chmod(state->path_of("sessions").c_str(), 0644) == 0);
    CHECK(run([] { return mkdir(mkdir_options({"a"})); }) == ExitStatus::failed);
    CHECK(contains(run.err(), "chmod 600"));
}
