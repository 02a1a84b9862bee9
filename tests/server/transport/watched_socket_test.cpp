#include "server/transport/watched_socket.hpp"

#include "support/catch.hpp"

#include <boost/asio.hpp>

#include <poll.h>
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
    asio::io_context io{1};
    SocketPoller poller{io};
    UniqueFd client;
    std::unique_ptr<WatchedSocket> socket;

    SocketTest()
    {
        std::array<int, 2> both{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
        client = UniqueFd{both[0]};
        socket = std::make_unique<WatchedSocket>(poller, UniqueFd{both[1]});
    }

    // Begins to wait; the result once there is one.
    std::shared_ptr<std::optional<error_code>> wait(Event what)
    {
        auto result = std::make_shared<std::optional<error_code>>();
        const auto waiting = [](WatchedSocket& waits, Event event, auto out) -> asio::awaitable<void> {
            const auto [failure] = co_await waits.until(event);
            *out = failure;
        };
        asio::co_spawn(io, waiting(*socket, what, result), asio::detached);
        return result;
    }

    // Begins to wait beside `reader`.
    std::shared_ptr<std::optional<error_code>> wait_beside(SocketReader& reader, bool at_once = false)
    {
        auto result = std::make_shared<std::optional<error_code>>();
        const auto waiting = [](WatchedSocket& waits, SocketReader& reads, bool now,
                                auto out) -> asio::awaitable<void> {
            const auto [failure] = co_await waits.while_read_by(reads, now);
            *out = failure;
        };
        asio::co_spawn(io, waiting(*socket, reader, at_once, result), asio::detached);
        return result;
    }

    // All that can happen without waiting.
    void turn()
    {
        while (poller.poll() + io.poll() > 0)
            io.restart();
        io.restart();
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

// Reads until `last` has come.
class Reading final : public SocketReader {
public:
    Reading(SocketTest& test, std::string last) : test_{test}, last_{std::move(last)} {}

    bool on_readable() override
    {
        read.push_back(test_.received());
        return read.back() != last_;
    }

    std::vector<std::string> read;

private:
    SocketTest& test_;
    std::string last_;
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

TEST_CASE_METHOD(SocketTest, "what was there before the first wait is found")
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

TEST_CASE_METHOD(SocketTest, "what was left unread ends the next wait")
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
    fill(); // what the registration has announced
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
    io.poll_one();                             // it has begun, and has not ended
    io.restart();
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

TEST_CASE_METHOD(SocketTest, "a reader gets all that comes, and who waits goes on when it says so")
{
    using Parts = std::vector<std::string>;
    Reading reader{*this, "QUIT"};
    const auto result = wait_beside(reader);
    turn();
    reader.read.clear(); // a socket that has just been registered may have something
    client_sends("one");
    turn();
    CHECK(reader.read == Parts{"one"});
    turn();
    CHECK(reader.read == Parts{"one"}); // all was read, so nothing has to be asked again
    client_sends("two");
    turn();
    CHECK(reader.read == Parts{"one", "two"});
    CHECK_FALSE(result->has_value());
    client_sends("QUIT");
    turn();
    REQUIRE(result->has_value());
    CHECK_FALSE((*result)->failed());
    client_sends("more");
    turn();
    CHECK(reader.read == Parts{"one", "two", "QUIT"}); // nobody waits
}

TEST_CASE_METHOD(SocketTest,
                 "a reader is asked about what came before, and about what the socket does not know of")
{
    Reading reader{*this, "QUIT"};
    client_sends("early");
    const auto result = wait_beside(reader);
    turn();
    CHECK(reader.read.front() == "early");
    client_sends("QUIT");
    turn();
    REQUIRE(result->has_value());
    Reading again{*this, "none"};
    const auto next = wait_beside(again, true);
    CHECK(again.read.empty()); // not before others have had their turn
    turn();
    CHECK(again.read == std::vector<std::string>{""});
    CHECK_FALSE(next->has_value());
}

TEST_CASE_METHOD(SocketTest, "a wait beside a reader can be cancelled from outside and by the reader itself")
{
    struct Cancelling final : SocketReader {
        explicit Cancelling(SocketTest& in) : test{in} {}
        bool on_readable() override
        {
            if (test.received() != "cancel") return true;
            test.socket->cancel();
            return says;
        }
        SocketTest& test;
        bool says = true;
    } reader{*this};

    SECTION("from outside")
    {
        const auto result = wait_beside(reader);
        turn();
        socket->cancel();
        turn();
        REQUIRE(result->has_value());
        CHECK(**result == asio::error::operation_aborted);
    }
    SECTION("before it was asked")
    {
        const auto result = wait_beside(reader, true);
        io.poll_one();
        io.restart();
        socket->cancel();
        turn();
        REQUIRE(result->has_value());
        CHECK(**result == asio::error::operation_aborted);
    }
    SECTION("by the reader")
    {
        reader.says = GENERATE(true, false);
        const auto result = wait_beside(reader);
        turn();
        client_sends("cancel");
        turn();
        REQUIRE(result->has_value());
        CHECK(**result == asio::error::operation_aborted);
    }
    const auto next = wait(Event::readable);
    turn();
    CHECK_FALSE(next->has_value());
    client_sends("NOOP");
    turn();
    REQUIRE(next->has_value());
    CHECK_FALSE((*next)->failed());
}

TEST_CASE_METHOD(SocketTest, "the poller's descriptor is readable when there is something to do")
{
    wait(Event::readable);
    turn();
    pollfd ready{poller.descriptor(), POLLIN, 0};
    CHECK(::poll(&ready, 1, 0) == 0);
    client_sends("NOOP");
    CHECK(::poll(&ready, 1, 0) == 1);
}

TEST_CASE("coroutines that wait are taken apart with their loop")
{
    auto io = std::make_unique<asio::io_context>(1);
    SocketPoller poller{*io};
    std::array<int, 2> both{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0);
    const UniqueFd client{both[0]};
    const auto alive = std::make_shared<int>();
    const auto waiting = [](std::unique_ptr<WatchedSocket> own,
                            std::shared_ptr<int>) -> asio::awaitable<void> {
        co_await own->until(Event::readable);
    };
    asio::co_spawn(*io, waiting(std::make_unique<WatchedSocket>(poller, UniqueFd{both[1]}), alive),
                   asio::detached);
    io->poll();
    CHECK(alive.use_count() == 2);
    poller.abandon();
    io.reset();
    CHECK(alive.use_count() == 1);
}
