// Connections that come to a passive port before and after it is reserved.
#include "server/passive/passive_ports.hpp"

#include "support/catch.hpp"
#include "support/loopback.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr ipc::PeerAddress loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1};

struct PassivePortsTest {
    boost::asio::io_context io{1};
    LogBounds bounds;
    int listening = -1; // of the one port, which `ports` owns
    std::optional<PassivePorts> ports;

    PassivePortsTest()
    {
        std::vector<UniqueFd> sockets;
        sockets.push_back(test::listening_socket());
        listening = sockets.front().get();
        ports.emplace(io, std::move(sockets), bounds);
        ports->start();
    }
    ~PassivePortsTest()
    {
        ports->stop();
        io.poll();
    }
    static bool is_reset(const UniqueFd& client)
    {
        char byte = 0;
        return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == -1 && errno == ECONNRESET;
    }
};

} // namespace

TEST_CASE_METHOD(PassivePortsTest,
                 "a connection made before its port is reserved is reset, a later one expected")
{
    const UniqueFd early = test::connected_to(listening); // nobody has looked at it yet
    std::optional<UniqueFd> expected;
    const auto reserved =
        ports->reserve(loopback, loopback, [&](UniqueFd socket) { expected = std::move(socket); });
    REQUIRE(reserved);
    io.poll();
    CHECK_FALSE(expected);
    CHECK(is_reset(early));
    const UniqueFd later = test::connected_to(listening);
    io.poll();
    CHECK(expected);
    CHECK_FALSE(is_reset(later));
}
