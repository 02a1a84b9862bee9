// Bytes through a Stream, however they are cut on their way.
#include "server/transport/tls/stream_driver.hpp"
#include "server/transport/tls/stream_exchange.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::StreamDriver;

namespace {

constexpr std::size_t record_header = 5;
constexpr int small_buffers = 2048;

void send_all(StreamDriver& driver, std::size_t piece)
{
    while (driver.left_to_send() > 0)
        driver.send(piece);
}

} // namespace

TEST_CASE("a handshake may come in single bytes, and both ends have the same channel binding")
{
    StreamDriver driver;
    REQUIRE(driver.start_tls(1));
    CHECK(driver.stream().tls_version() == TlsVersion::tls_1_3);
    CHECK(driver.stream().channel_binding().value() == driver.client.channel_binding());
}

TEST_CASE("bytes that are no TLS fail the handshake with OpenSSL's words")
{
    StreamDriver driver;
    CHECK_FALSE(driver.start_tls_with("USER alice\r\nPASS secret\r\n"));
    CHECK(driver.stream().tls_error() == "wrong version number");
}

TEST_CASE("records arrive whole, in any pieces of arrival and reading")
{
    const auto piece = GENERATE(std::size_t{1}, 3, 17, 1000, StreamDriver::everything);
    const auto reads = GENERATE(std::size_t{1}, 100, 4096);
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    driver.reads = reads;
    std::string sent;
    for (std::size_t i = 0; i < 4; ++i) {
        const std::string text = test::text_of(700, i);
        driver.client.write(text);
        sent += text;
    }
    send_all(driver, piece);
    CHECK(driver.received == sent);
    CHECK_FALSE(driver.ended);
}

TEST_CASE("a part of a record is waited for, and asked for once for each piece of it")
{
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    driver.client.write("MKD a\r\n");
    const std::size_t before = driver.times_asked;
    std::size_t pieces = 0;
    while (driver.left_to_send() > 1) {
        driver.send(1);
        ++pieces;
        driver.turn();
        driver.turn();
    }
    CHECK(pieces > record_header);
    CHECK(driver.received.empty());
    CHECK(driver.times_asked - before <= pieces + 1);
    driver.send(1);
    CHECK(driver.received == "MKD a\r\n");
}

TEST_CASE("a part of a record behind a whole one does not keep the server busy")
{
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    driver.client.write("MKD a\r\n");
    const std::size_t first = driver.left_to_send();
    driver.client.write("MKD b\r\n");
    driver.send(first + record_header + 1);
    CHECK(driver.received == "MKD a\r\n");
    const std::size_t asked = driver.times_asked;
    for (int i = 0; i < 10; ++i)
        driver.turn();
    CHECK(driver.times_asked == asked);
    driver.send(StreamDriver::everything);
    CHECK(driver.received == "MKD a\r\nMKD b\r\n");
}

TEST_CASE("new keys among the records change no data")
{
    const bool wants_answer = GENERATE(false, true);
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    std::string sent;
    for (int i = 0; i < 50; ++i) {
        driver.client.update_key(wants_answer);
        const std::string text = "NOOP " + std::to_string(i) + "\r\n";
        driver.client.write(text);
        sent += text;
        driver.send(i % 3 == 0 ? StreamDriver::everything : 29);
    }
    send_all(driver, StreamDriver::everything);
    driver.reply = [] { return "200 done\r\n"; };
    driver.client.write("QUIT\r\n");
    send_all(driver, StreamDriver::everything);
    CHECK(driver.received == sent + "QUIT\r\n");
    driver.carry_to_client();
    CHECK(driver.client.read() == "200 done\r\n");
}

TEST_CASE("new keys without end are too many")
{
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    for (int i = 0; i < 10'000 && !driver.ended; ++i) {
        driver.client.update_key(false);
        send_all(driver, StreamDriver::everything);
    }
    REQUIRE(driver.ended);
    CHECK(driver.stream().tls_error() == "too many TLS messages without a command");
}

TEST_CASE("a client that does not read gets the bytes that fit, and later the rest")
{
    StreamDriver driver{small_buffers};
    REQUIRE(driver.start_tls());
    const std::string all = test::text_of(100'000, 0);
    driver.reply = [&] { return all; };
    driver.client.write("HELP\r\n");
    send_all(driver, StreamDriver::everything);
    std::string got;
    while (driver.carry_to_client() > 0)
        got += driver.client.read();
    CHECK(got == all);
    CHECK(driver.stream().bytes_sent() == all.size());
}

TEST_CASE("a client that asks for new keys and does not read is read from again once it has read")
{
    StreamDriver driver{small_buffers};
    REQUIRE(driver.start_tls());
    driver.reply = [] { return std::string(1000, 'x'); };
    for (int i = 0; i < 1000; ++i) { // until the way there and back is full
        driver.client.update_key(true);
        driver.client.write("NOOP\r\n");
        driver.send(StreamDriver::everything);
    }
    REQUIRE(driver.left_to_send() > 0);
    while (driver.carry_to_client() > 0 || driver.left_to_send() > 0) {
        driver.client.read();
        driver.send(StreamDriver::everything);
    }
    CHECK(driver.received.size() == 1000 * std::string_view{"NOOP\r\n"}.size());
    CHECK_FALSE(driver.ended);
}

TEST_CASE("close_notify is the end of the data, and an end without it is a reset")
{
    const bool notified = GENERATE(true, false);
    StreamDriver driver;
    REQUIRE(driver.start_tls());
    driver.client.write("QUIT\r\n");
    if (notified) driver.client.close_notify();
    send_all(driver, StreamDriver::everything);
    driver.client_closes();
    CHECK(driver.received == "QUIT\r\n");
    REQUIRE(driver.ended);
    CHECK((*driver.ended == boost::asio::error::eof) == notified);
    CHECK(driver.stream().tls_error() == (notified ? "" : "hung up by the client"));
}

TEST_CASE("an end without close_notify may be left to the next read, and what is written until then arrives")
{
    StreamDriver driver;
    REQUIRE(driver.shake_hands());
    driver.client.write("NOOP\r\n");
    driver.send(StreamDriver::everything);
    driver.client_sends_no_more();
    std::array<char, 64> room{};
    Stream& stream = driver.stream();
    CHECK(stream.read_now(room).value() == 6);
    CHECK(stream.read_more_now(room).error() == boost::asio::error::would_block);
    CHECK(stream.write_now("200 OK.\r\n") == 9);
    driver.carry_to_client();
    CHECK(driver.client.read() == "200 OK.\r\n");
    CHECK(stream.read_now(room).error() ==
          boost::system::error_code{EPROTO, boost::system::system_category()});
    CHECK(stream.tls_error() == "hung up by the client");
}

TEST_CASE("the end of TLS is told to a client that takes nothing at first")
{
    StreamDriver driver{small_buffers};
    REQUIRE(driver.shake_hands());
    driver.block_way_to_client();
    const auto ended = driver.stop_tls();
    driver.clear_way_to_client();
    driver.carry_to_client();
    driver.client.read();
    CHECK(driver.client.server_has_finished());
    driver.client.close_notify();
    send_all(driver, StreamDriver::everything);
    CHECK(*ended == error_code{});
}

TEST_CASE("pieces, new keys, reads and writes come in any order, and both ends get all")
{
    const unsigned seed = GENERATE(range(0U, 40U));
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::string choices(300, '\0');
    std::generate(choices.begin(), choices.end(), [&] { return static_cast<char>(random()); });
    CHECK_NOTHROW(test::exchange(choices));
}
