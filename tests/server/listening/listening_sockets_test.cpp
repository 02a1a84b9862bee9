#include "server/listening/listening_sockets.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

std::vector<ListeningSocket> open_at(const std::string& where)
{
    return std::move(open_listening_sockets({where}).sockets);
}

std::string refusal(const std::string& where)
{
    try {
        open_at(where);
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
    const auto sockets = open_at("127.0.0.1:0");
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
        const auto sockets = open_at(all);
        REQUIRE(sockets.size() == 1);
        CHECK(answers(port_of(sockets[0].address)));
    }
}

TEST_CASE("a name stands for each of its addresses")
{
    for (const ListeningSocket& socket : open_at("localhost:0"))
        CHECK((socket.address.starts_with("127.") || socket.address.starts_with("[::1]:")));
}

TEST_CASE("a port that is taken is refused with its address")
{
    const auto taken = open_at("127.0.0.1:0");
    const std::string port = port_of(taken[0].address);
    CHECK(refusal(taken[0].address) ==
          "cannot listen on " + taken[0].address +
              ": Address already in use; see which program has it with: ss -ltnp "
              "'sport = :" +
              port + "'");
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
    CHECK(refusal("192.0.2.1:0") == "cannot listen on 192.0.2.1:0: Cannot assign requested address; this "
                                    "machine does not have this address now");
    CHECK_THAT(refusal("[fe80::1]:0"), test::contains("a link-local address needs its interface"));
}

TEST_CASE("both families of one port are served, in any words and order")
{
    const std::string port = port_of(open_at("[::]:0")[0].address);
    const std::vector<std::string> both{"0.0.0.0:" + port, "[::]:" + port};
    for (const auto& where : {both, std::vector(both.rbegin(), both.rend())}) {
        auto sockets = std::move(open_listening_sockets(where).sockets);
        REQUIRE(sockets.size() == 2);
        CHECK((sockets[0].address == where[0] && sockets[1].address == where[1]));
        CHECK(answers(port));
        for (ListeningSocket& socket : sockets) { // as it was, beside the other one
            reopen(socket);
            CHECK(is_sound(socket));
        }
    }
    for (const std::string& all : {":" + port, "*:" + port}) {
        const auto sockets = open_listening_sockets({"127.0.0.1:" + port, all, "[::]:" + port}).sockets;
        REQUIRE(sockets.size() == 1);
        CHECK(answers(port));
    }
}

TEST_CASE("an address that the machine does not have is left out, and said, if others remain")
{
    const OpenedSockets opened =
        open_listening_sockets({"192.0.2.1:0", "no-such-host.invalid:0", "127.0.0.1:0"});
    REQUIRE(opened.sockets.size() == 1);
    CHECK_THAT(opened.sockets[0].address, test::starts_with("127.0.0.1:"));
    REQUIRE(opened.left_out.size() == 2);
    CHECK_THAT(opened.left_out[0].words(), test::starts_with("cannot listen on no-such-host.invalid:0: "));
    CHECK_THAT(opened.left_out[1].words(), test::starts_with("cannot listen on 192.0.2.1:0: "));
}

TEST_CASE("one address that is taken refuses all")
{
    const auto taken = open_at("127.0.0.1:0");
    CHECK_THROWS_WITH(open_listening_sockets({"127.0.0.1:0", taken[0].address}),
                      test::contains("Address already in use"));
}

TEST_CASE("more addresses than can be handed to net are refused")
{
    const std::vector<std::string> many(200, "127.0.0.1:0");
    CHECK_THROWS_WITH(open_listening_sockets(many), test::contains("200 addresses: at most 127"));
}

TEST_CASE("addresses are checked without listening on them")
{
    const auto problems = [](const std::vector<std::string>& where,
                             const std::vector<std::string>& running = {}) {
        std::string words;
        for (const UnusableAddress& address : check_listening_addresses(where, running).problems)
            words += address.words() + "\n";
        return words;
    };
    const auto taken = open_at("127.0.0.1:0");
    const std::string port = port_of(taken[0].address);
    CHECK_THAT(problems({taken[0].address}), test::contains("Address already in use"));
    CHECK(problems({taken[0].address}, {taken[0].address}).empty());
    CHECK(problems({"*:" + port}, {taken[0].address}).empty()); // free when the running server has ended
    CHECK(problems({":0", "*:0"}).empty());
    CHECK_THAT(problems({"192.0.2.1:2121"}), test::contains("Cannot assign requested address"));
    const std::string two = problems({"2121", "[::]:65536"});
    CHECK_THAT(two, test::contains("not of the form"));
    CHECK_THAT(two, test::contains("number from 0 to 65535"));
}

TEST_CASE("a socket that has just been opened is sound, and one that has none is not")
{
    CHECK(is_sound(open_at("127.0.0.1:0")[0]));
    CHECK_FALSE(is_sound(ListeningSocket{{}, "127.0.0.1:2121", false}));
}

TEST_CASE("a socket that a process with another descriptor of it has spoiled is opened anew at its address")
{
    ListeningSocket socket = std::move(open_at("127.0.0.1:0")[0]);
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
    const auto sockets = open_at("127.0.0.1:0");
    const UniqueFd other{::fcntl(sockets[0].fd.get(), F_DUPFD_CLOEXEC, 0)};
    stop_listening(sockets[0]);
    CHECK_FALSE(answers(port_of(sockets[0].address)));
    CHECK(open_at(sockets[0].address)[0].address == sockets[0].address);
}

TEST_CASE("a socket whose address is taken meanwhile cannot be opened anew, and can be later")
{
    ListeningSocket socket = std::move(open_at("127.0.0.1:0")[0]);
    stop_listening(socket);
    auto thief = open_at(socket.address);
    CHECK_THROWS_WITH(reopen(socket),
                      test::starts_with("cannot listen on " + socket.address + ": Address already in use"));
    CHECK_FALSE(is_sound(socket));
    thief.clear();
    reopen(socket);
    CHECK(is_sound(socket));
}

TEST_CASE("ports for data connections are opened at each address of the control connections, once")
{
    const OpenedSockets control = open_listening_sockets({"127.0.0.1:0", "127.0.0.1:0"});
    const OpenedSockets passive = open_passive_sockets(control.sockets, {2122, 2124}, true, 10);
    REQUIRE(passive.sockets.size() == 3);
    for (const ListeningSocket& socket : passive.sockets) {
        CHECK((socket.kind == SocketKind::data));
        CHECK_THAT(socket.address, test::starts_with("127.0.0.1:"));
        CHECK(answers(port_of(socket.address)));
    }
}

TEST_CASE("a port for data connections that is taken is left out with the reason")
{
    const auto taken = open_at("127.0.0.1:0");
    const auto port = static_cast<std::uint16_t>(std::stoi(port_of(taken[0].address)));
    const OpenedSockets passive = open_passive_sockets(open_at("127.0.0.1:0"), {port, port}, false, 10);
    CHECK(passive.sockets.empty());
    REQUIRE(passive.left_out.size() == 1);
    CHECK(passive.left_out[0].address == taken[0].address);
    CHECK_THAT(passive.left_out[0].reason, test::contains("in use"));
}

TEST_CASE("there are no more ports for data connections than can be handed on")
{
    CHECK(open_passive_sockets(open_at("127.0.0.1:0"), {2122, 2137}, true, 2).sockets.size() == 2);
}

TEST_CASE("a socket whose connections would linger is not sound")
{
    const auto sockets = open_at("127.0.0.1:0");
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE(::setsockopt(sockets[0].fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    CHECK_FALSE(is_sound(sockets[0]));
}

TEST_CASE("ports for data connections of all addresses serve single ones as well")
{
    for (const auto& where :
         {std::vector<std::string>{"127.0.0.1:0", "*:0"}, std::vector<std::string>{"*:0", "127.0.0.1:0"}}) {
        const OpenedSockets control = open_listening_sockets(where);
        REQUIRE(control.sockets.size() == 2);
        const OpenedSockets passive = open_passive_sockets(control.sockets, {2122, 2123}, true, 10);
        CHECK(passive.sockets.size() == 2);
        for (const ListeningSocket& socket : passive.sockets)
            CHECK_FALSE(socket.address.starts_with("127."));
    }
}

TEST_CASE("few ports for data connections are shared out among the addresses")
{
    const OpenedSockets control = open_listening_sockets({"127.0.0.1:0", "127.0.0.2:0"});
    const OpenedSockets passive = open_passive_sockets(control.sockets, {2122, 2137}, true, 2);
    REQUIRE(passive.sockets.size() == 2);
    CHECK(passive.sockets[0].address.substr(0, 9) != passive.sockets[1].address.substr(0, 9));
}

namespace {

std::vector<ListeningSocket> open_udp_at(const std::string& where)
{
    return std::move(open_listening_sockets({where}, SocketKind::ntp).sockets);
}

int value_of(const ListeningSocket& socket, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(socket.fd.get(), level, option, &value, &size);
    return value;
}

} // namespace

TEST_CASE("a socket of UDP tells when a datagram came and to which address, and shares its own with nobody")
{
    const auto ipv4 = open_udp_at("127.0.0.1:0");
    REQUIRE(ipv4.size() == 1);
    CHECK(value_of(ipv4[0], SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
    CHECK(value_of(ipv4[0], SOL_SOCKET, SO_TIMESTAMPNS) == 1);
    CHECK(value_of(ipv4[0], IPPROTO_IP, IP_PKTINFO) == 1);
    CHECK(value_of(ipv4[0], SOL_SOCKET, SO_REUSEADDR) == 0);
    CHECK((::fcntl(ipv4[0].fd.get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK_THROWS_WITH(
        open_udp_at(ipv4[0].address),
        test::contains("Address already in use; see which program has it with: ss -lunp 'sport = :" +
                       port_of(ipv4[0].address)));
    for (const ListeningSocket& socket : open_udp_at("[::]:0"))
        if (socket.address.starts_with('[')) CHECK(value_of(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO) == 1);
}

TEST_CASE("a port of TCP and one of UDP with the same number are two")
{
    const auto tcp = open_at("127.0.0.1:0");
    CHECK(open_udp_at(tcp[0].address).front().address == tcp[0].address);
    const ListeningCheck check = check_listening_addresses({tcp[0].address}, {}, SocketKind::time_text);
    CHECK(check.problems.empty());
    CHECK(check.any_usable);
}

TEST_CASE("a socket of UDP that a process has changed is not sound, and another one takes its place")
{
    const auto shut_down = [](int socket) { ::shutdown(socket, SHUT_RD); };
    const auto connect = [](int socket) {
        sockaddr_in peer{};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(9);
        peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(socket, reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
    };
    const auto filter = [](int socket) {
        sock_filter refuse_all{BPF_RET | BPF_K, 0, 0, 0};
        const sock_fprog program{1, &refuse_all};
        ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    };
    const auto take_no_time = [](int socket) {
        const int off = 0;
        ::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &off, sizeof off);
    };
    const auto wait = [](int socket) { ::fcntl(socket, F_SETFL, 0); };
    for (const std::function<void(int)>& spoil :
         {std::function<void(int)>{shut_down}, {connect}, {filter}, {take_no_time}, {wait}}) {
        auto sockets = open_udp_at("127.0.0.1:0");
        const std::string address = sockets[0].address;
        CHECK(is_sound(sockets[0]));
        spoil(sockets[0].fd.get());
        CHECK_FALSE(is_sound(sockets[0]));
        reopen(sockets[0]);
        CHECK(is_sound(sockets[0]));
        CHECK(sockets[0].address == address);
    }
}
