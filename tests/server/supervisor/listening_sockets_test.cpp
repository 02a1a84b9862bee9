#include "server/supervisor/listening_sockets.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

std::string refusal(const std::string& where)
{
    try {
        open_listening_sockets(where);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "accepted";
}

std::string port_of(const std::string& address)
{
    return address.substr(address.rfind(':') + 1);
}

bool answers(const std::string& port)
{
    const UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

} // namespace

TEST_CASE("a socket listens, on a free port where 0 is asked for, and says which")
{
    const auto sockets = open_listening_sockets("127.0.0.1:0");
    REQUIRE(sockets.size() == 1);
    CHECK_THAT(sockets[0].address, test::starts_with("127.0.0.1:"));
    CHECK(port_of(sockets[0].address) != "0");
    CHECK(answers(port_of(sockets[0].address)));
    CHECK((::fcntl(sockets[0].fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(sockets[0].fd.get(), F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("all addresses include those of IPv4")
{
    for (const char* const all : {":0", "[::]:0"}) {
        const auto sockets = open_listening_sockets(all);
        REQUIRE(sockets.size() == 1);
        CHECK(answers(port_of(sockets[0].address)));
    }
}

TEST_CASE("a name stands for each of its addresses")
{
    for (const ListeningSocket& socket : open_listening_sockets("localhost:0"))
        CHECK((socket.address.starts_with("127.") || socket.address.starts_with("[::1]:")));
}

TEST_CASE("a port that is taken is refused with its address")
{
    const auto taken = open_listening_sockets("127.0.0.1:0");
    CHECK(refusal(taken[0].address) == "cannot listen on " + taken[0].address + ": Address already in use");
}

TEST_CASE("a text that is no address and port is refused with a reason")
{
    CHECK_THAT(refusal("2121"), test::contains("not of the form ADDRESS:PORT"));
    CHECK_THAT(refusal(""), test::contains("not of the form ADDRESS:PORT"));
    CHECK_THAT(refusal("127.0.0.1:"), test::contains("not of the form ADDRESS:PORT"));
    CHECK_THAT(refusal("::1:2121"), test::contains("stands in brackets"));
    for (const char* const port :
         {"65536", "99999", "-1", " 5", "5 ", "ftp", "0x15", "99999999999999999999"}) {
        INFO(port);
        CHECK_THAT(refusal("127.0.0.1:" + std::string{port}), test::contains("number from 0 to 65535"));
    }
    CHECK_THAT(refusal("no-such-host.invalid:0"),
               test::starts_with("cannot listen on no-such-host.invalid:0: "));
    CHECK(refusal("192.0.2.1:0") == "cannot listen on 192.0.2.1:0: Cannot assign requested address");
}

TEST_CASE("an address is checked without listening on it")
{
    const auto taken = open_listening_sockets("127.0.0.1:0");
    CHECK_NOTHROW(check_listening_address(taken[0].address));
    CHECK_NOTHROW(check_listening_address(":0"));
    CHECK_THROWS_WITH(check_listening_address("192.0.2.1:2121"),
                      test::contains("Cannot assign requested address"));
    CHECK_THROWS_WITH(check_listening_address("2121"), test::contains("not of the form"));
    CHECK_THROWS_WITH(check_listening_address("[::]:65536"), test::contains("number from 0 to 65535"));
}

TEST_CASE("a socket that has just been opened is sound, and one that has none is not")
{
    CHECK(is_sound(open_listening_sockets("127.0.0.1:0")[0]));
    CHECK_FALSE(is_sound(ListeningSocket{{}, "127.0.0.1:2121"}));
}

TEST_CASE("a socket that a process with another descriptor of it has spoiled is opened anew at its address")
{
    ListeningSocket socket = std::move(open_listening_sockets("127.0.0.1:0")[0]);
    const UniqueFd other{::fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 0)};
    sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
    const sock_fprog refuse_all{1, &nothing};
    const int on = 1;
    SECTION("shut down")
    {
        ::shutdown(other.get(), SHUT_RDWR);
        CHECK_FALSE(answers(port_of(socket.address)));
    }
    SECTION("filtered")
    {
        REQUIRE(::setsockopt(other.get(), SOL_SOCKET, SO_ATTACH_FILTER, &refuse_all, sizeof refuse_all) == 0);
    }
    SECTION("locked against other filters")
    {
        REQUIRE(::setsockopt(other.get(), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on) == 0);
    }
    SECTION("blocking")
    {
        REQUIRE(::fcntl(other.get(), F_SETFL, 0) == 0);
    }
    SECTION("sending signals")
    {
        REQUIRE(::fcntl(other.get(), F_SETFL, O_NONBLOCK | O_ASYNC) == 0);
    }
    CHECK_FALSE(is_sound(socket));
    const std::string address = socket.address;
    reopen(socket);
    CHECK(is_sound(socket));
    CHECK(socket.address == address);
    CHECK(answers(port_of(address)));
}

TEST_CASE("a socket that listens no more leaves its address, even if another process has it open")
{
    const auto sockets = open_listening_sockets("127.0.0.1:0");
    const UniqueFd other{::fcntl(sockets[0].fd.get(), F_DUPFD_CLOEXEC, 0)};
    stop_listening(sockets[0]);
    CHECK_FALSE(answers(port_of(sockets[0].address)));
    CHECK(open_listening_sockets(sockets[0].address)[0].address == sockets[0].address);
}

TEST_CASE("a socket whose address is taken meanwhile cannot be opened anew, and can be later")
{
    ListeningSocket socket = std::move(open_listening_sockets("127.0.0.1:0")[0]);
    stop_listening(socket);
    auto thief = open_listening_sockets(socket.address);
    CHECK_THROWS_WITH(reopen(socket), "cannot listen on " + socket.address + ": Address already in use");
    CHECK_FALSE(is_sound(socket));
    thief.clear();
    reopen(socket);
    CHECK(is_sound(socket));
}
