// The life of a connection: commands in any number, logins, the ways in which it ends.
#include "server/ftp/connection_fixture.hpp"

#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <filesystem>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::ConnectionFixture;
using test::TlsPeer;

TEST_CASE_METHOD(ConnectionFixture, "commands that come together are answered in their order")
{
    TlsPeer client = logged_in();
    std::string all;
    for (int i = 0; i < 200; ++i)
        all += "MKD d" + std::to_string(i) + "\r\nNOOP\r\n";
    client.write(all);
    for (int i = 0; i < 200; ++i) {
        CHECK(client.line() == "257 \"/d" + std::to_string(i) + "\" created.");
        CHECK(client.line() == "200 OK.");
    }
    CHECK(std::filesystem::is_directory(top.path("root/alice/d199")));
}

TEST_CASE_METHOD(ConnectionFixture, "a command in single bytes is one command")
{
    TlsPeer client = connected();
    for (const char c : std::string{"NOOP\r\n"})
        client.write({&c, 1});
    CHECK(client.line() == "200 OK.");
}

TEST_CASE_METHOD(ConnectionFixture,
                 "a directory below a mount of its own, and one that is there, are told apart")
{
    TlsPeer client = logged_in();
    CHECK(ask(client, "SITE MKDIR a/b/c") == "257 \"/a/b/c\" created.");
    CHECK(ask(client, "SITE MKDIR a/b/c") == "250 \"/a/b/c\" is there.");
    CHECK(ask(client, "CWD a/b") == "250 \"/a/b\" is the working directory.");
    CHECK(ask(client, "MKD c") == "521 \"/a/b/c\" is already there.");
    CHECK(ask(client, "MKD d") == "257 \"/a/b/d\" created.");
    CHECK(ask(client, "MKD /none/x") == "550 No such file or directory");
}

TEST_CASE_METHOD(ConnectionFixture, "a limit of directories holds from the login on, and as it is changed")
{
    answers = [](const ipc::Request& asked) -> std::optional<ipc::Answer> {
        const auto* by_password = std::get_if<ipc::LogInWithPassword>(&asked);
        if (by_password == nullptr) return std::nullopt;
        auto answer = granted(by_password->id);
        answer.max_dirs = 1;
        return answer;
    };
    TlsPeer client = logged_in();
    CHECK(ask(client, "MKD one") == "257 \"/one\" created.");
    CHECK(ask(client, "MKD two").substr(0, 3) == "552");
    on_reactor([this](Reactor&) { context.logins.at(login)->set_max_dirs(2); });
    CHECK(ask(client, "MKD two") == "257 \"/two\" created.");
}

TEST_CASE_METHOD(ConnectionFixture, "a refused login leaves nothing, and auth is not told of an end")
{
    TlsPeer client = with_tls();
    ask(client, "USER alice");
    CHECK(ask(client, "PASS wrong") == "530 Login refused.");
    CHECK(ask(client, "MKD x") == "530 Log in first.");
    on_reactor([this](Reactor&) { CHECK(context.logins.empty()); });
}

TEST_CASE_METHOD(ConnectionFixture,
                 "auth hears of the end of a login, by USER, REIN or the end of the connection")
{
    const std::string how = GENERATE("USER bob\r\n", "REIN\r\n", "QUIT\r\n", "");
    TlsPeer client = logged_in();
    if (how.empty())
        client.close();
    else
        client.write(how);
    CHECK(auth->wait_for<ipc::LoginEnded>().login == login);
    on_reactor([this](Reactor&) { CHECK(context.logins.empty()); });
}

TEST_CASE_METHOD(ConnectionFixture, "a login whose connection was turned out meanwhile is given back to auth")
{
    answers = [](const ipc::Request&) { return std::nullopt; };
    TlsPeer client = with_tls();
    ask(client, "USER alice");
    client.write("PASS right\r\n");
    const auto asked = auth->wait_for<ipc::LogInWithPassword>();
    on_reactor([](Reactor& on) { on.served().begin()->second->end_at_once("Too many connections."); });
    CHECK(client.line() == "421 Too many connections.");
    CHECK(auth->wait_for<ipc::Withdraw>().id == asked.id);
    auth->say(granted(asked.id)); // too late
    CHECK(auth->wait_for<ipc::LoginEnded>().login == login);
}

TEST_CASE_METHOD(ConnectionFixture, "without auth a login is 451, and the connection goes on")
{
    TlsPeer client = with_tls();
    auth->end();
    ask(client, "USER alice");
    CHECK(ask(client, "PASS right") == "451 Logins cannot be checked now; try again.");
    CHECK(ask(client, "NOOP") == "200 OK.");
}

TEST_CASE_METHOD(ConnectionFixture, "a home that is not there refuses the login and is named in the log")
{
    const test::CapturedLog log;
    answers = [](const ipc::Request& asked) -> std::optional<ipc::Answer> {
        const auto* by_password = std::get_if<ipc::LogInWithPassword>(&asked);
        if (by_password == nullptr) return std::nullopt;
        auto answer = granted(by_password->id);
        answer.home = "nowhere";
        return answer;
    };
    TlsPeer client = with_tls();
    ask(client, "USER alice");
    CHECK(ask(client, "PASS right").substr(0, 3) == "530");
    CHECK(auth->wait_for<ipc::LoginEnded>().login == login);
    CHECK_THAT(log.text(), test::contains("home-unusable"));
}

TEST_CASE_METHOD(ConnectionFixture, "one session too many of a user is told so and closed")
{
    TlsPeer first = logged_in();
    TlsPeer second = with_tls();
    ask(second, "USER alice");
    CHECK(ask(second, "PASS right") == "421 Too many sessions of this user; end one of them first.");
    CHECK(second.line() == "(end)");
    CHECK(ask(first, "NOOP") == "200 OK.");
}

TEST_CASE_METHOD(ConnectionFixture, "a connection that is ended finishes its command and hears why")
{
    TlsPeer client = logged_in();
    on_reactor([](Reactor& on) { on.served().begin()->second->end("The server is shutting down."); });
    CHECK(client.line() == "421 The server is shutting down.");
    CHECK(client.line() == "(end)");
}

TEST_CASE_METHOD(ConnectionFixture, "deadlines end a connection that says nothing")
{
    settings.login_timeout = std::chrono::seconds{5};
    on_reactor([this](Reactor&) { context.settings = settings; });
    TlsPeer client = connected();
    on_reactor([](Reactor& on) {
        on.served().begin()->second->end_if_overdue(ServedConnection::Clock::now() + std::chrono::seconds{4});
    });
    CHECK(ask(client, "NOOP") == "200 OK.");
    on_reactor([](Reactor& on) {
        on.served().begin()->second->end_if_overdue(ServedConnection::Clock::now() + std::chrono::seconds{6});
    });
    CHECK(client.line() == "421 No login in time; closing.");
    CHECK(client.line() == "(end)");
}

TEST_CASE_METHOD(ConnectionFixture,
                 "auth that does not answer in its time costs the answer, not the connection")
{
    TlsPeer client = logged_in();
    client.write("SITE SESSION LIST\r\n");
    auth->wait_for<ipc::ListSessionKeys>();
    on_reactor([](Reactor& on) {
        on.served().begin()->second->end_if_overdue(ServedConnection::Clock::now() + Deadlines::auth_time);
    });
    CHECK(client.line() == "451 The login service is away; try again.");
    CHECK(ask(client, "NOOP") == "200 OK.");
}

TEST_CASE_METHOD(ConnectionFixture, "bytes in clear behind AUTH TLS are not taken")
{
    const test::CapturedLog log;
    TlsPeer client = connected();
    client.write("AUTH TLS\r\nUSER alice\r\n");
    CHECK(client.line() == "(end)");
    CHECK_THAT(log.text(), test::contains("bytes-before-tls"));
}

TEST_CASE_METHOD(ConnectionFixture, "a client that is too fast waits, and all its commands are answered")
{
    settings.max_commands_per_second = 100;
    on_reactor([this](Reactor&) { context.settings = settings; });
    TlsPeer client = connected();
    std::string all;
    for (int i = 0; i < 110; ++i)
        all += "NOOP\r\n";
    const auto begin = std::chrono::steady_clock::now();
    client.write(all);
    for (int i = 0; i < 110; ++i)
        CHECK(client.line() == "200 OK.");
    CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds{90});
}

TEST_CASE_METHOD(ConnectionFixture, "a client that asks much and reads nothing is waited for, and gets all")
{
    TlsPeer client = connected();
    std::string all;
    for (int i = 0; i < 3000; ++i)
        all += "HELP\r\n";
    std::thread writing{[&] { client.write(all); }};
    std::string last;
    for (int i = 0; i < 3000; ++i)
        while (!(last = client.line()).starts_with("214 ") && last != "(end)") {
        }
    writing.join();
    CHECK(last.starts_with("214 "));
    CHECK(ask(client, "NOOP") == "200 OK.");
}

TEST_CASE_METHOD(ConnectionFixture, "REIN ends TLS, and the session begins anew in clear")
{
    TlsPeer client = logged_in();
    CHECK(ask(client, "REIN").substr(0, 3) == "220");
    CHECK(auth->wait_for<ipc::LoginEnded>().login == login);
}

TEST_CASE_METHOD(ConnectionFixture, "a command that waits for its time goes where its path leads by then")
{
    TlsPeer client = logged_in();
    settings.max_commands_per_second = 1;
    on_reactor([this](Reactor&) { context.settings = settings; });
    make("root/alice/a");
    make("root/bob");
    client.write("MKD a/1\r\nMKD a/2\r\n");
    CHECK(client.line() == "257 \"/a/1\" created.");
    std::filesystem::rename(top.path("root/alice/a"), top.path("root/bob/a")); // within a second
    CHECK(client.line() == "550 No such file or directory");
    CHECK_FALSE(std::filesystem::exists(top.path("root/bob/a/2")));
}

TEST_CASE_METHOD(ConnectionFixture,
                 "a connection that waits holds no directory that its last command has opened")
{
    settings.durability = Durability::none;
    on_reactor([this](Reactor&) { context.settings = settings; });
    TlsPeer client = logged_in();
    make("root/alice/a");
    client.write("MKD a/1\r\nSITE SESSION LIST\r\n");
    auth->wait_for<ipc::ListSessionKeys>(); // which has no answer
    const auto holds_it = [this] {
        for (const auto& descriptor : std::filesystem::directory_iterator{"/proc/self/fd"}) {
            std::error_code gone;
            if (std::filesystem::read_symlink(descriptor, gone) == top.path("root/alice/a")) return true;
        }
        return false;
    };
    const auto end = std::chrono::steady_clock::now() + test::patience();
    while (holds_it() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    CHECK_FALSE(holds_it());
}
