#include "server/event_loop/watched_socket.hpp"

#include "support/catch.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using Event = WatchedSocket::Event;

namespace asio = boost::asio;

namespace {

// A socket of a connection, and the client's end of it.
struct SocketTest {
    EventLoop loop;
    UniqueFd client;
    std::unique_ptr<WatchedSocket> socket;

    SocketTest()
    {
        std::array<int, 2> both{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
        client = UniqueFd{both[0]};
        socket = std::make_unique<WatchedSocket>(loop, UniqueFd{both[1]});
    }

    // Begins to wait; the result once there is one.
    std::shared_ptr<std::optional<error_code>> wait(Event what, bool at_once = false)
    {
        auto result = std::make_shared<std::optional<error_code>>();
        const auto waiting = [](WatchedSocket& waits, Event event, bool now,
                                auto out) -> asio::awaitable<void> {
            const auto [failure] = co_await waits.until(event, now);
            *out = failure;
        };
        asio::co_spawn(loop.io(), waiting(*socket, what, at_once, result), asio::detached);
        return result;
    }

    // All that can happen without waiting.
    void turn()
    {
        while (loop.turn(false)) {
        }
    }

    void client_sends(const std::string& text) const
    {
        REQUIRE(::send(client.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    }
    std::string received()
    {
        std::array<char, 100> buffer{};
        const ssize_t got = ::recv(socket->descriptor(), buffer.data(), buffer.size(), 0);
        const std::string text{buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
        socket->has_read(text.size(), buffer.size());
        return text;
    }
    // Until the client would have to read.
    void fill()
    {
        const std::string text(4096, 'x');
        while (::send(socket->descriptor(), text.data(), text.size(), MSG_NOSIGNAL) > 0)
            ;
        socket->could_not_write();
    }
    void client_reads_all() const
    {
        std::array<char, 4096> buffer{};
        while (::recv(client.get(), buffer.data(), buffer.size(), 0) > 0)
            ;
    }
};

} // namespace

TEST_CASE_METHOD(SocketTest, "a wait ends when there is something to read, and not before")
{
    const auto result = wait(Event::readable);
    turn();
    CHECK_FALSE(result->has_value());
    client_sends("NOOP");
    turn();
    REQUIRE(result->has_value());
    CHECK_FALSE((*result)->failed());
    CHECK(received() == "NOOP");
}

TEST_CASE_METHOD(SocketTest,
                 "a client that is gone is known while nobody waits, and one that only ends its side is not")
{
    client_sends("NOOP");
    wait(Event::readable); // watched from now on
    turn();
    CHECK(received() == "NOOP");
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    turn();
    CHECK_FALSE(socket->is_reset());
    client.reset();
    turn();
    CHECK(socket->is_reset());
}

TEST_CASE_METHOD(SocketTest, "bytes from before the first wait are found")
{
    client_sends("early");
    const auto result = wait(Event::readable);
    turn();
    CHECK(result->has_value());
}

TEST_CASE_METHOD(SocketTest, "after all has been read, only new bytes end a wait")
{
    client_sends("one");
    const auto first = wait(Event::readable);
    turn();
    CHECK(received() == "one");
    const auto second = wait(Event::readable);
    turn();
    CHECK_FALSE(second->has_value());
    client_sends("two");
    turn();
    CHECK(second->has_value());
    CHECK(received() == "two");
}

TEST_CASE_METHOD(SocketTest, "unread bytes end the next wait")
{
    client_sends("one");
    const auto first = wait(Event::readable);
    turn();
    REQUIRE(first->has_value());
    const auto second = wait(Event::readable); // nothing was read
    turn();
    CHECK(second->has_value());
}

TEST_CASE_METHOD(SocketTest, "bytes and the end that came at once are both found")
{
    client_sends("last");
    client.reset();
    const auto first = wait(Event::readable);
    turn();
    REQUIRE(first->has_value());
    CHECK(received() == "last"); // less than asked for, and no change will tell of the end
    const auto second = wait(Event::readable);
    turn();
    CHECK(second->has_value());
    CHECK(received().empty());
}

TEST_CASE_METHOD(SocketTest, "a wait for room ends when the client has read")
{
    fill();
    const auto result = wait(Event::writable);
    turn();
    fill(); // the registration has announced it
    const auto again = wait(Event::writable);
    turn();
    CHECK_FALSE(again->has_value());
    client_reads_all();
    turn();
    CHECK(again->has_value());
}

TEST_CASE_METHOD(SocketTest, "a wait that is cancelled says so, and only later")
{
    const auto result = wait(Event::readable);
    turn();
    socket->cancel();
    CHECK_FALSE(result->has_value());
    turn();
    REQUIRE(result->has_value());
    CHECK(**result == asio::error::operation_aborted);
    socket->cancel(); // nothing waits
    client_sends("NOOP");
    const auto next = wait(Event::readable);
    turn();
    REQUIRE(next->has_value());
    CHECK_FALSE((*next)->failed());
}

TEST_CASE_METHOD(SocketTest, "a wait that need not wait can be cancelled as well")
{
    client_sends("NOOP");
    const auto first = wait(Event::readable);
    turn();
    const auto second = wait(Event::readable); // nothing was read
    loop.io().poll_one();                      // it has begun, and has not ended
    REQUIRE_FALSE(second->has_value());
    socket->cancel();
    turn();
    REQUIRE(second->has_value());
    CHECK(**second == asio::error::operation_aborted);
    const auto third = wait(Event::readable);
    turn();
    REQUIRE(third->has_value());
    CHECK_FALSE((*third)->failed());
}

TEST_CASE_METHOD(SocketTest, "a wait ends for an event outside the socket, after the others' turn")
{
    const auto result = wait(Event::readable, true);
    loop.io().poll_one();
    CHECK_FALSE(result->has_value());
    turn();
    REQUIRE(result->has_value());
    CHECK_FALSE((*result)->failed());
}

TEST_CASE("coroutines that wait are taken apart with their loop")
{
    auto loop = std::make_unique<EventLoop>();
    std::array<int, 2> both{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
    const UniqueFd client{both[0]};
    const auto alive = std::make_shared<int>();
    const auto waiting = [](std::unique_ptr<WatchedSocket> own,
                            std::shared_ptr<int>) -> asio::awaitable<void> {
        co_await own->until(Event::readable);
    };
    asio::co_spawn(loop->io(), waiting(std::make_unique<WatchedSocket>(*loop, UniqueFd{both[1]}), alive),
                   asio::detached);
    while (loop->turn(false)) {
    }
    CHECK(alive.use_count() == 2);
    loop.reset();
    CHECK(alive.use_count() == 1);
}

TEST_CASE_METHOD(SocketTest,
                 "a socket that was closed by the event of another gets no event of the same look")
{
    SocketTest other;
    auto second = std::make_unique<WatchedSocket>(loop, UniqueFd{::dup(other.socket->descriptor())});
    const auto closes_second = [&]() -> asio::awaitable<void> {
        co_await socket->until(Event::readable);
        second.reset();
    };
    const auto watches = [&]() -> asio::awaitable<void> { co_await second->until(Event::writable); };
    asio::co_spawn(loop.io(), closes_second(), asio::detached);
    asio::co_spawn(loop.io(), watches(), asio::detached);
    turn();
    client_sends("x");
    other.client_sends("x");
    turn();
    CHECK_FALSE(second);
}
