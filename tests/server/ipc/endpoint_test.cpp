// An end of a channel on a loop: bursts of any size, back-pressure, and the end of the channel.
#include "server/ipc/endpoint.hpp"

#include "support/catch.hpp"
#include "support/time_scale.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr std::size_t max_packet_bytes = 64;
constexpr int most_in_a_turn = 50; // packets, before others on the loop have their turn

std::string text(const ipc::Packet& packet)
{
    return {packet.bytes.data(), packet.bytes.size()};
}

// An endpoint, and the other side as a plain descriptor.
struct EndpointTest {
    boost::asio::io_context loop{1};
    UniqueFd other;
    std::vector<std::string> received;
    std::vector<std::string> closed;
    std::function<void()> on_packet;
    std::function<void()> on_room;
    std::optional<ipc::Endpoint> endpoint;

    void open(std::size_t most_unsent = 1'000'000)
    {
        auto ends = ipc::make_channel();
        other = std::move(ends.first);
        REQUIRE(::fcntl(other.get(), F_SETFL, O_NONBLOCK) == 0);
        endpoint.emplace(loop, std::move(ends.second), max_packet_bytes,
                         ipc::Endpoint::Events{
                             .on_packet =
                                 [this](const ipc::Packet& packet) {
                                     received.push_back(text(packet));
                                     if (on_packet) on_packet();
                                 },
                             .on_closed = [this](std::string_view reason) { closed.emplace_back(reason); },
                             .on_room =
                                 [this] {
                                     if (on_room) on_room();
                                 }},
                         most_unsent);
    }
    // The next packet that the other side gets; none: nothing has been sent.
    std::optional<std::string> read() const
    {
        const auto packet = ipc::receive_packet(other.get(), max_packet_bytes);
        if (!packet || packet->bytes.empty()) return std::nullopt;
        return text(*packet);
    }
    bool write(std::string_view packet) const
    {
        return ipc::send_packet(other.get(), secret_text(packet)).has_value();
    }
    // Runs the loop with other work in it, which is always ready, until `done` reaches `all`. Returns the
    // most by which `done` grew between two turns of that work.
    int most_between_turns(const int& done, int all)
    {
        int most = 0;
        int before = done;
        const std::function<void()> other_work = [&] {
            most = std::max(most, done - before);
            before = done;
            if (done < all) boost::asio::post(loop, other_work);
        };
        boost::asio::post(loop, other_work);
        while (done < all && loop.run_one_for(test::patience()) > 0) {
        }
        return std::max(most, done - before);
    }
};

} // namespace

TEST_CASE_METHOD(EndpointTest, "a burst of 100,000 packets arrives in order through a slow reader")
{
    open();
    constexpr int packets = 100'000;
    for (int i = 0; i < packets; ++i)
        endpoint->send(secret_text(std::to_string(i)));
    for (int i = 0; i < packets; ++i) {
        auto packet = read();
        if (!packet) {
            loop.poll();
            packet = read();
        }
        REQUIRE(packet == std::to_string(i));
    }
    CHECK_FALSE(read());
    CHECK(closed.empty());
}

TEST_CASE_METHOD(EndpointTest,
                 "an owner that is asked when there is room never has more than one packet waiting")
{
    open();
    constexpr int packets = 100'000;
    int sent = 0;
    on_room = [&] {
        if (sent < packets) endpoint->send(secret_text(std::to_string(sent++)));
    };
    endpoint->fill();
    loop.poll();
    const int until_full = sent;
    CHECK(until_full < packets / 10); // as much as the kernel holds
    loop.poll();
    CHECK(sent == until_full);
    for (int i = 0; i < packets; ++i) {
        auto packet = read();
        if (!packet) {
            loop.poll();
            packet = read();
        }
        REQUIRE(packet == std::to_string(i));
    }
    // Once there is room, a deferred packet may go.
    on_room = [&, said = false]() mutable {
        if (!std::exchange(said, true)) endpoint->send(secret_text("later"));
    };
    endpoint->fill();
    CHECK(read() == "later");
}

// The reader keeps pace, so the kernel always has room and never ends a turn.
TEST_CASE_METHOD(EndpointTest, "an owner with much to say is never asked from within its own send")
{
    open();
    constexpr int packets = 10'000;
    int sent = 0;
    int depth = 0;
    int deepest = 0;
    on_room = [&] {
        deepest = std::max(deepest, ++depth);
        if (sent < packets) endpoint->send(secret_text(std::to_string(sent++)));
        read();
        --depth;
    };
    endpoint->fill();
    most_between_turns(sent, packets);
    CHECK(sent == packets);
    CHECK(deepest == 1);
}

TEST_CASE_METHOD(EndpointTest, "an owner with much to say leaves other work on the loop its turn")
{
    open();
    constexpr int packets = 10'000;
    int sent = 0;
    on_room = [&] {
        if (sent < packets) endpoint->send(secret_text(std::to_string(sent++)));
        read();
    };
    endpoint->fill();
    CHECK(sent <= most_in_a_turn);
    CHECK(most_between_turns(sent, packets) <= most_in_a_turn);
    CHECK(sent == packets);
}

TEST_CASE_METHOD(EndpointTest, "another side with much to say leaves other work on the loop its turn")
{
    open();
    constexpr int packets = 10'000;
    int arrived = 0;
    on_packet = [&] {
        if (++arrived < packets) REQUIRE(write("the next"));
    };
    REQUIRE(write("the first"));
    CHECK(most_between_turns(arrived, packets) <= most_in_a_turn);
    CHECK(arrived == packets);
}

TEST_CASE_METHOD(EndpointTest,
                 "nothing is read while too much waits to be sent, and all of it once that is sent")
{
    constexpr std::size_t most_unsent = 10;
    open(most_unsent);
    std::size_t written = 0;
    for (; written < 5; ++written)
        REQUIRE(write("request"));
    loop.poll();
    CHECK(received.size() == 5);
    // Each packet that comes from now on is answered, and nobody reads the answers.
    const std::string answer(max_packet_bytes, 'x');
    std::size_t answers = 0;
    for (int rounds = 0; rounds < 10'000; ++rounds) {
        if (write("request")) ++written;
        loop.poll();
        for (; answers < received.size(); ++answers)
            endpoint->send(secret_text(answer));
    }
    CHECK(received.size() < written);
    while (answers < written || read()) {
        while (read()) {
        }
        loop.poll();
        for (; answers < received.size(); ++answers)
            endpoint->send(secret_text(answer));
    }
    CHECK(received.size() == written);
    CHECK(closed.empty());
}

TEST_CASE_METHOD(EndpointTest, "the end of the other side is told once, without a reason")
{
    open();
    other.reset();
    loop.run();
    CHECK(closed == std::vector<std::string>{""});
    endpoint->send(secret_text("to nobody"));
    loop.restart();
    loop.run();
    CHECK(closed.size() == 1);
}

TEST_CASE_METHOD(EndpointTest,
                 "a channel that breaks under a send is told once, with a reason, from the loop")
{
    open();
    other.reset();
    endpoint->send(secret_text("one"));
    endpoint->send(secret_text("two"));
    CHECK(closed.empty());
    loop.run();
    REQUIRE(closed.size() == 1);
    CHECK_FALSE(closed[0].empty());
}

TEST_CASE_METHOD(EndpointTest, "a packet beyond the bound ends the channel, behind those that came before")
{
    open();
    REQUIRE(write("good"));
    REQUIRE(write(std::string(max_packet_bytes + 1, 'x')));
    REQUIRE(write("never read"));
    loop.run();
    CHECK(received == std::vector<std::string>{"good"});
    REQUIRE(closed.size() == 1);
    CHECK_FALSE(closed[0].empty());
}

TEST_CASE_METHOD(EndpointTest,
                 "an endpoint that is gone tells nothing any more, not even of what it lost before")
{
    open();
    other.reset();
    endpoint->send(secret_text("breaks"));
    endpoint.reset();
    loop.run();
    CHECK(closed.empty());
    CHECK(received.empty());
}
