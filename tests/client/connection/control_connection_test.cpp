#include "client/connection/control_connection.hpp"

#include "client/outcome.hpp"
#include "client/scripted_server.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"
#include "support/time_scale.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <future>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::client;
using ftpc::test::contains;
using ftpc::test::Peer;
using ftpc::test::ScriptedServer;

namespace {

constexpr std::chrono::seconds timeout{20};

Outcome<ControlConnection> connect(const ScriptedServer& server, const std::string& ca_file = "",
                                   const std::string& host = "127.0.0.1",
                                   std::chrono::seconds limit = timeout)
{
    return ControlConnection::open({host, server.port()}, ca_file, limit);
}

// The failure of a connection that must not come about.
Failure refused_connection(const ScriptedServer::Script& script)
{
    const ScriptedServer server{script};
    const auto connection = connect(server);
    REQUIRE(connection.has_error());
    return connection.error();
}

// The failure of the first reply when the server, asked one command, writes `text`.
Failure failure_of_reply(const std::string& text)
{
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write(text);
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    REQUIRE(connection);
    connection->send("NOOP");
    const auto reply = connection->await_reply();
    REQUIRE(reply.has_error());
    return reply.error();
}

} // namespace

TEST_CASE("all commands go out before the first reply, and AUTH TLS before the greeting")
{
    // The server holds back its greeting until AUTH TLS has come, and each reply until the last command has.
    // A client that waited for any of them would never get here.
    std::vector<std::string> commands;
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        commands = peer.read_lines_until("QUIT");
        peer.write("331 name\r\n230 in\r\n257 \"/a\" made\r\n221 bye\r\n");
        ftpc::test::expect(peer.client_said_goodbye(), "the client says close_notify");
    }};
    auto connection = connect(server);
    REQUIRE(connection);
    for (const char* command : {"USER alice", "SITE AUTH SESSKEY1 x y", "MKD a", "QUIT"})
        connection->send(command);
    std::vector<int> codes;
    for (int i = 0; i < 4; ++i)
        codes.push_back(connection->await_reply()->code);
    connection->close();
    connection = Failure{};
    CHECK(server.finish().empty());
    CHECK(codes == std::vector<int>{331, 230, 257, 221});
    CHECK(commands == std::vector<std::string>{"USER alice", "SITE AUTH SESSKEY1 x y", "MKD a", "QUIT"});
}

TEST_CASE("any number of preliminary replies come before the final one, and only that answers the command")
{
    const std::string piece = "150-begin\r\n " + std::string(8000, 'x') + "\r\n150 more\r\n";
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        // Together they are longer than a reply may be.
        for (int i = 0; i < 20; ++i)
            peer.write(piece);
        peer.write("250 done\r\n");
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    REQUIRE(connection);
    connection->send("SITE MLSD /");
    for (int i = 0; i < 20; ++i) {
        REQUIRE(connection->await_reply()->code == 150);
        CHECK(connection->unanswered() == 1);
    }
    CHECK(connection->await_reply()->code == 250);
    CHECK(connection->unanswered() == 0);
}

TEST_CASE("a preliminary reply to nothing breaks the protocol")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write("200 yes\r\n150 more\r\n");
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    REQUIRE(connection);
    connection->send("NOOP");
    REQUIRE(connection->await_reply()->code == 200);
    CHECK(contains(connection->await_reply().error().message, "a reply to nothing"));
}

TEST_CASE("the peer is known by the fingerprint of its key, and both sides have the same channel binding")
{
    ChannelBinding servers{};
    ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        servers = peer.channel_binding();
    }};
    const auto connection = connect(server);
    REQUIRE(connection);
    CHECK(server.finish().empty());
    CHECK(connection->peer().fingerprint == server.certificate().fingerprint());
    CHECK(connection->channel_binding() == servers);
    CHECK_FALSE(connection->peer().chain_problem.empty());
}

TEST_CASE("the client's own work does not count as the server's time")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write("200 yes\r\n");
        peer.client_said_goodbye();
    }};
    const auto limit = std::chrono::duration_cast<std::chrono::seconds>(ftpc::test::patience() / 10);
    auto connection = connect(server, "", "127.0.0.1", limit);
    REQUIRE(connection);
    connection->send("NOOP");
    std::this_thread::sleep_for(limit * 1.1); // something that takes longer than the server may
    CHECK(connection->await_reply()->code == 200);
    connection->close();
}

TEST_CASE("a CA file vouches for a server under its name and under no other")
{
    const auto handshake = [](Peer& peer) { peer.greet_and_start_tls(); };
    const ScriptedServer server{{handshake, handshake}};
    const ftpc::test::TemporaryDirectory directory;
    directory.write("ca.pem", server.certificate().pem());
    CHECK(connect(server, directory.path("ca.pem"))->peer().chain_problem.empty());
    // 127.0.0.1 by another spelling of loopback that the certificate does not name
    CHECK(contains(connect(server, directory.path("ca.pem"), "127.1")->peer().chain_problem, "mismatch"));
}

TEST_CASE("a CA file that does not vouch for the server is reported")
{
    const ScriptedServer server{[](Peer& peer) { peer.greet_and_start_tls(); }};
    const ftpc::test::TemporaryDirectory directory;
    directory.write("ca.pem", ftpc::test::Certificate{}.pem());
    CHECK_FALSE(connect(server, directory.path("ca.pem"))->peer().chain_problem.empty());
}

TEST_CASE("a CA file that cannot be read is a refusal")
{
    const ScriptedServer server{[](Peer& peer) { peer.greet_and_start_tls(); }};
    const auto connection = connect(server, "/nonexistent/ca.pem");
    REQUIRE(connection.has_error());
    CHECK(connection.error().status == ExitStatus::untrusted);
    CHECK(contains(connection.error().message, "/nonexistent/ca.pem"));
}

TEST_CASE("bytes behind the consent to TLS end the connection as untrusted")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("220 ready\r\n234 go\r\n331 injected\r\n");
        peer.client_said_goodbye();
    });
    CHECK(failure.status == ExitStatus::untrusted);
}

TEST_CASE("bytes that come in clear after the consent to TLS spoil the handshake")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("220 ready\r\n234 go\r\n");
        peer.write_in_clear("331 injected\r\n");
        peer.start_tls();
    });
    CHECK(failure.status != ExitStatus::done);
    CHECK((failure.status == ExitStatus::untrusted || failure.status == ExitStatus::unreachable));
}

TEST_CASE("a server that refuses TLS is not trusted")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("220 ready\r\n502 no\x1b[2J TLS here\r\n");
    });
    CHECK(failure.status == ExitStatus::untrusted);
    CHECK(contains(failure.message, "502 no\\x1b[2J TLS here"));
}

TEST_CASE("a busy server is unreachable, and its words are shown")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("421 Too many connections\r\n");
    });
    CHECK(failure.status == ExitStatus::unreachable);
    CHECK(contains(failure.message, "421 Too many connections"));
}

TEST_CASE("a greeting of several lines, announced by 120, is waited for")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.read_line();
        peer.write("120 soon\r\n220-welcome\r\n to this\r\n220 server\r\n234-now\r\n234 go\r\n");
        peer.start_tls();
    }};
    CHECK(connect(server));
}

TEST_CASE("a greeting without end is given up")
{
    const auto failure = refused_connection([](Peer& peer) {
        while (true)
            peer.write("120 soon\r\n");
    });
    CHECK(failure.status == ExitStatus::unreachable);
}

TEST_CASE("a server that speaks another protocol is named so")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("HTTP/1.1 400 Bad Request\r\n");
    });
    CHECK(failure.status == ExitStatus::unreachable);
    CHECK(contains(failure.message, "HTTP/1.1 400"));
}

TEST_CASE("TLS older than 1.3 is not spoken")
{
    const auto failure = refused_connection([](Peer& peer) {
        peer.read_line();
        peer.write("220 ready\r\n234 go\r\n");
        peer.start_tls(TLS1_2_VERSION);
    });
    CHECK(failure.status == ExitStatus::unreachable);
}

TEST_CASE("a server that says nothing is given up after the timeout")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.read_line();
        peer.read_line(); // returns when the client gives up
    }};
    const auto connection = connect(server, "", "127.0.0.1", std::chrono::seconds{1});
    REQUIRE(connection.has_error());
    CHECK(connection.error().status == ExitStatus::unreachable);
    CHECK(contains(connection.error().message, "in time"));
}

TEST_CASE("a server that stops answering is given up after the timeout")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("never");
    }};
    auto connection = connect(server, "", "127.0.0.1", std::chrono::seconds{1});
    REQUIRE(connection);
    connection->send("NOOP");
    const auto reply = connection->await_reply();
    REQUIRE(reply.has_error());
    CHECK(contains(reply.error().message, "no answer for 1 second"));
}

TEST_CASE("a server that keeps a reply going, byte by byte or line by line, is given up after the timeout "
          "all the same")
{
    for (const char* const drop : {"x", " a line of a reply that never ends\r\n"}) {
        const ScriptedServer server{[drop](Peer& peer) {
            peer.greet_and_start_tls();
            peer.read_line();
            peer.write("211-Features:\r\n");
            const auto end = std::chrono::steady_clock::now() + test::patience();
            while (std::chrono::steady_clock::now() < end) { // or until the client has gone
                peer.write(drop);
                std::this_thread::sleep_for(std::chrono::milliseconds{50});
            }
        }};
        auto connection = connect(server, "", "127.0.0.1", std::chrono::seconds{1});
        REQUIRE(connection);
        connection->send("FEAT");
        const auto reply = connection->await_reply();
        REQUIRE(reply.has_error());
        CHECK(contains(reply.error().message, "no answer for 1 second"));
    }
}

TEST_CASE("a server that sends messages of TLS itself without end is given up after the timeout all the same")
{
    const std::vector<std::function<void(Peer&)>> messages{
        [](Peer& peer) { peer.send_session_ticket(); },
        [](Peer& peer) { peer.send_key_update(SSL_KEY_UPDATE_NOT_REQUESTED); },
        [](Peer& peer) { peer.send_key_update(SSL_KEY_UPDATE_REQUESTED); },
    };
    for (const auto& send_message : messages) {
        const ScriptedServer server{[&](Peer& peer) {
            peer.greet_and_start_tls();
            peer.read_line();
            const auto end = std::chrono::steady_clock::now() + test::patience();
            while (std::chrono::steady_clock::now() < end) // or until the client has gone
                send_message(peer);
        }};
        auto connection = connect(server, "", "127.0.0.1", std::chrono::seconds{1});
        REQUIRE(connection);
        connection->send("FEAT");
        const auto reply = connection->await_reply();
        REQUIRE(reply.has_error());
        CHECK(contains(reply.error().message, "no answer for 1 second"));
    }
}

TEST_CASE("an answer between messages of TLS itself is taken")
{
    ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        for (int i = 0; i < 100; ++i) {
            peer.send_session_ticket();
            peer.send_key_update(SSL_KEY_UPDATE_NOT_REQUESTED);
        }
        peer.write("200 done\r\n");
        peer.client_said_goodbye();
    }};
    {
        auto connection = connect(server);
        REQUIRE(connection);
        connection->send("NOOP");
        CHECK(connection->await_reply()->code == 200);
    }
    CHECK(server.finish().empty());
}

TEST_CASE("all connections of a command have the time of one, unless it is renewed")
{
    const auto silent = [](Peer& peer) {
        peer.greet_and_start_tls();
        peer.client_said_goodbye();
    };
    const ScriptedServer server{{silent, silent}};
    TimeAllowance allowance{std::chrono::seconds{1}};
    {
        auto connection = ControlConnection::open({"127.0.0.1", server.port()}, "", allowance);
        REQUIRE(connection);
        connection->send("NOOP");
        CHECK(connection->await_reply().has_error());
    }
    CHECK(allowance.used_up());
    CHECK(ControlConnection::open({"127.0.0.1", server.port()}, "", allowance).has_error());
    allowance.renew();
    CHECK_FALSE(allowance.used_up());
}

TEST_CASE("a reply that is there when the time is used up is taken")
{
    std::promise<void> answered;
    const ScriptedServer server{[&](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write("200 done\r\n");
        answered.set_value();
        peer.client_said_goodbye();
    }};
    TimeAllowance allowance{std::chrono::duration_cast<std::chrono::seconds>(test::patience() / 5)};
    auto connection = ControlConnection::open({"127.0.0.1", server.port()}, "", allowance);
    REQUIRE(connection);
    connection->send("NOOP");
    REQUIRE(connection->exchange());
    REQUIRE(answered.get_future().wait_for(test::patience()) == std::future_status::ready);
    {
        const TimeAllowance::Use use{allowance};
        std::this_thread::sleep_for(allowance.left()); // is what counts
    }
    REQUIRE(allowance.used_up());
    const auto reply = connection->await_reply();
    REQUIRE(reply);
    CHECK(reply->code == 200);
    CHECK(connection->pump().has_error());
}

TEST_CASE("time in which the server owes nothing does not count")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.write("200 done\r\n");
        peer.client_said_goodbye();
    }};
    TimeAllowance allowance{timeout};
    auto connection = ControlConnection::open({"127.0.0.1", server.port()}, "", allowance);
    REQUIRE(connection);
    std::array<int, 2> input{};
    REQUIRE(::pipe(input.data()) == 0);
    const UniqueFd reading{input[0]};
    UniqueFd writing{input[1]};
    const auto left = allowance.left();
    std::thread writer{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{50}); // is what must not count
        writing.reset();
    }};
    CHECK(connection->pump(reading.get()));
    writer.join();
    CHECK(allowance.left() == left);
    connection->send("NOOP");
    CHECK(connection->await_reply());
    CHECK(allowance.left() < left);
}

TEST_CASE("nobody listening is a server that cannot be reached")
{
    std::uint16_t port = 0;
    {
        const ScriptedServer server{std::vector<ScriptedServer::Script>{}};
        port = server.port();
    }
    const auto connection = ControlConnection::open({"127.0.0.1", port}, "", timeout);
    REQUIRE(connection.has_error());
    CHECK(connection.error().status == ExitStatus::unreachable);
    CHECK(contains(connection.error().message, "Connection refused"));
}

TEST_CASE("a reply without end is given up at a bounded size")
{
    std::string text = "250-begin\r\n";
    while (text.size() < 4 * ControlConnection::max_reply_bytes)
        text += " and so on\r\n";
    CHECK(contains(failure_of_reply(text).message, "without end"));
}

TEST_CASE("a line without end is given up at a bounded size")
{
    CHECK(contains(failure_of_reply("250 " + std::string(200'000, 'x')).message, "too long"));
}

TEST_CASE("a line that is no reply ends the conversation, and is shown harmlessly")
{
    const auto failure = failure_of_reply("\x1b]0;owned\a\r\n");
    CHECK(failure.status == ExitStatus::unreachable);
    CHECK(contains(failure.message, "\\x1b]0;owned\\x07"));
}

TEST_CASE("a reply to nothing breaks the protocol, save 421")
{
    const auto write = [](const char* text) {
        return [text](Peer& peer) {
            peer.greet_and_start_tls();
            peer.write(text);
            peer.client_said_goodbye();
        };
    };
    const ScriptedServer server{{write("250 unasked\r\n"), write("421 shutting down\r\n")}};
    auto connection = connect(server);
    CHECK(connection->await_reply().has_error());
    connection = Failure{}; // the server serves one after the other
    connection = connect(server);
    CHECK(connection->await_reply()->code == 421);
}

TEST_CASE("the end of TLS without close_notify is a lost connection, and a cut-off reply is none")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_lines_until("MKD b");
        peer.write("257 \"/a\" made\r\n257 \"/b");
    }};
    auto connection = connect(server);
    connection->send("MKD a");
    connection->send("MKD b");
    CHECK(connection->await_reply()->code == 257);
    const auto second = connection->await_reply();
    REQUIRE(second.has_error());
    CHECK(second.error().status == ExitStatus::unreachable);
    CHECK(contains(second.error().message, "unexpected eof"));
    CHECK(connection->unanswered() == 1);
}

TEST_CASE("an orderly end before the answer is a lost connection too")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.read_line();
        peer.say_goodbye();
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    connection->send("MKD a");
    const auto reply = connection->await_reply();
    REQUIRE(reply.has_error());
    CHECK(contains(reply.error().message, "closed"));
}

TEST_CASE("any number of commands is pipelined past a server that does not read while it writes")
{
    // Each reply is long, so that the buffers of both directions fill up long before the end.
    constexpr int commands = 100'000;
    ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        const std::string reply = "257 \"/" + std::string(100, 'd') + "\" made\r\n";
        for (int i = 0; i < commands; ++i) {
            peer.read_line();
            peer.write(reply);
        }
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    for (int i = 0; i < commands; ++i)
        connection->send("MKD " + std::string(100, 'd'));
    int replies = 0;
    while (replies < commands) {
        const auto reply = connection->next_reply();
        REQUIRE(reply);
        if (*reply)
            ++replies;
        else
            REQUIRE(connection->pump());
    }
    CHECK(connection->unsent() == 0);
    CHECK(connection->unanswered() == 0);
    connection = Failure{};
    CHECK(server.finish().empty());
}

TEST_CASE("waiting ends when another input has something")
{
    const ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        peer.client_said_goodbye();
    }};
    auto connection = connect(server);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const UniqueFd input{ends[0]};
    const UniqueFd writer{ends[1]};
    REQUIRE(::write(writer.get(), "x", 1) == 1);
    CHECK(connection->pump(input.get()));
}
