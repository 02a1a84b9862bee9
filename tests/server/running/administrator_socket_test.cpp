// The server's side and the commands' side of the socket, against each other and against clients of ill will.
#include "server/running/administrator_socket.hpp"

#include "server/running/peer_of_socket.hpp"
#include "server/running/running_servers.hpp"
#include "shared/base/unique_fd.hpp"
#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

using namespace ftpc;
using namespace ftpc::server;

namespace {

ServerStatus some_status()
{
    ServerStatus status;
    status.pid = ::getpid();
    status.data = {"/srv/data", "/srv/data", {1, 2}};
    status.tree = {"/srv/tree", "/srv/tree", {1, 3}};
    return status;
}

// A server that does nothing but answer, on a thread of its own.
struct SocketTest {
    test::TemporaryDirectory runtime;
    AdministratorSocket socket;
    std::atomic<bool> stop = false;
    std::thread server;

    SocketTest() { socket.open({runtime.path()}); }
    SocketTest(const SocketTest&) = delete;
    SocketTest& operator=(const SocketTest&) = delete;
    ~SocketTest()
    {
        stop = true;
        if (server.joinable()) server.join();
    }

    void serve()
    {
        server = std::thread{[this] {
            while (!stop) {
                pollfd waiting{socket.descriptor(), POLLIN, 0};
                if (::poll(&waiting, 1, 10) == 1) socket.answer(some_status);
            }
        }};
    }

    std::vector<ServerStatus> ask() const { return ask_running_servers({runtime.path()}).answered; }

    void leave_dead_socket(const std::string& name) const
    {
        const UniqueFd dead{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        const sockaddr_un address = socket_address(runtime.path(name));
        REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }

    UniqueFd connect() const
    {
        UniqueFd client{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
        const sockaddr_un address = socket_address(runtime.path(runtime.names().at(0)));
        if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            client.reset();
        return client;
    }
};

} // namespace

TEST_CASE_METHOD(SocketTest, "a running server is found and describes itself")
{
    REQUIRE(socket.descriptor() >= 0);
    serve();
    const auto found = ask();
    REQUIRE(found.size() == 1);
    CHECK(found[0] == some_status());
}

TEST_CASE_METHOD(SocketTest, "the socket is for this user alone, and goes with its server")
{
    REQUIRE(runtime.names().size() == 1);
    struct stat status {};
    REQUIRE(::lstat(runtime.path(runtime.names()[0]).c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
    CHECK((status.st_mode & 07777) == 0600);
    socket.close();
    CHECK(socket.descriptor() == -1);
    CHECK(runtime.names().empty());
}

TEST_CASE_METHOD(SocketTest, "clients that are silent, gone, or send unasked bytes hold nobody up")
{
    std::vector<UniqueFd> silent;
    silent.reserve(20);
    for (int i = 0; i < 20; ++i)
        silent.push_back(connect());
    connect();
    const UniqueFd talks = connect();
    const std::string garbage(1000, '\xff');
    CHECK(::send(talks.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL) == 1000);
    serve();
    for (int i = 0; i < 100; ++i)
        CHECK(ask().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "another user gets no answer, even where the permissions would let it")
{
    if (::geteuid() != 0) return;
    REQUIRE(::chmod(runtime.path().c_str(), 0755) == 0);
    REQUIRE(::chmod(runtime.path(runtime.names().at(0)).c_str(), 0666) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        char byte = 0;
        const bool changed = ::setresuid(41001, 41001, 41001) == 0;
        const UniqueFd client = connect();
        pollfd waiting{client.get(), POLLIN, 0};
        const bool ended =
            changed && client && ::poll(&waiting, 1, 10'000) == 1 && ::recv(client.get(), &byte, 1, 0) == 0;
        ::_exit(ended ? 0 : 1);
    }
    serve();
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE_METHOD(SocketTest, "a turn answers a bounded number of clients")
{
    std::vector<UniqueFd> clients;
    clients.reserve(40);
    for (int i = 0; i < 40; ++i)
        clients.push_back(connect());
    const auto answered = [&] {
        return std::count_if(clients.begin(), clients.end(), [](const UniqueFd& client) {
            char byte = 0;
            return ::recv(client.get(), &byte, 1, MSG_PEEK) == 1;
        });
    };
    socket.answer(some_status);
    CHECK(answered() == 16);
    socket.answer(some_status);
    socket.answer(some_status);
    CHECK(answered() == 40);
}

TEST_CASE_METHOD(SocketTest, "a server that does not answer is left out in time")
{
    const auto before = std::chrono::steady_clock::now();
    CHECK(ask().empty());
    CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds{10});
    CHECK(runtime.names().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "a server whose queue is full is left out in time")
{
    std::vector<UniqueFd> clients;
    while (clients.size() < 1000 && (clients.empty() || clients.back()))
        clients.push_back(connect());
    CHECK(ask().empty());
    clients.clear();
    serve();
    CHECK(ask().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "a killed server's socket is removed, and no living one's")
{
    serve();
    leave_dead_socket("1-dead.sock");
    runtime.write("2-file.sock", "");
    CHECK(runtime.names().size() == 3);
    CHECK(ask().size() == 1);
    CHECK(runtime.names().size() < 3);
    CHECK(ask().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "thousands of sockets that dead servers left hide no living one, and go at once")
{
    serve();
    for (int i = 0; i < 3000; ++i)
        leave_dead_socket(std::to_string(i) + "-dead.sock");
    CHECK(ask().size() == 1);
    CHECK(runtime.names().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "a socket whose directory was removed is opened again, and the directory made")
{
    REQUIRE(std::filesystem::remove_all(runtime.path()) == 2);
    socket.open({runtime.path()});
    serve();
    CHECK(ask().size() == 1);
}

TEST_CASE_METHOD(SocketTest, "a socket that lost its name is opened again")
{
    const auto before = runtime.names();
    socket.open({runtime.path()});
    CHECK(runtime.names() == before);
    REQUIRE(std::remove(runtime.path(before[0]).c_str()) == 0);
    socket.open({runtime.path()});
    CHECK(runtime.names().size() == 1);
    serve();
    CHECK(ask().size() == 1);
}

TEST_CASE("a server without a runtime directory says so and takes the next one that can be used")
{
    const test::TemporaryDirectory runtime;
    AdministratorSocket socket;
    {
        const test::CapturedLog log;
        socket.open({"/nonexistent/ftpcd"});
        CHECK(socket.descriptor() == -1);
        CHECK_THAT(log.text(), test::contains("event=administrator-socket-missing"));
        CHECK_THAT(log.text(), test::contains("/nonexistent/ftpcd: No such file or directory"));
    }
    const test::CapturedLog log;
    socket.open({"/nonexistent/ftpcd", runtime.path()});
    CHECK(socket.descriptor() >= 0);
    CHECK(log.text().empty());
}
