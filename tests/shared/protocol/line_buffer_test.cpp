#include "shared/protocol/line_buffer.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace ftpc;
using Status = LineBuffer::Status;

namespace {

struct Given {
    Status status;
    std::string text;
    friend bool operator==(const Given&, const Given&) = default;
};

Given line(std::string text)
{
    return {Status::line, std::move(text)};
}
const Given too_long{Status::too_long, ""};
const Given endless{Status::endless, ""};

// Everything that can be given out now, with the end but without need_more.
void take_all(LineBuffer& buffer, std::vector<Given>& given)
{
    while (true) {
        const auto next = buffer.next();
        if (next.status == Status::need_more) return;
        given.push_back({next.status, std::string{next.text}});
        if (next.status == Status::endless) return;
    }
}

// Feeds `bytes` in pieces of at most `piece`, taking every line as soon as it is there.
std::vector<Given> fed(std::string_view bytes, std::size_t piece)
{
    LineBuffer buffer;
    std::vector<Given> given;
    while (!bytes.empty()) {
        const auto room = buffer.room();
        REQUIRE(!room.empty());
        const std::size_t size = std::min({piece, room.size(), bytes.size()});
        std::copy_n(bytes.begin(), size, room.begin());
        buffer.received(size);
        bytes.remove_prefix(size);
        take_all(buffer, given);
        if (!given.empty() && given.back() == endless) return given;
    }
    return given;
}

void put(LineBuffer& buffer, std::string_view bytes)
{
    const auto room = buffer.room();
    REQUIRE(room.size() >= bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    buffer.received(bytes.size());
}

const std::vector<std::size_t> pieces{1, 2, 3, 7, 1000, 8191, 8192, 8193, 8194, 16384, 1 << 20};

void check_in_pieces(const std::string& bytes, const std::vector<Given>& expected)
{
    for (const std::size_t piece : pieces) {
        CAPTURE(piece);
        CHECK(fed(bytes, piece) == expected);
    }
}

} // namespace

TEST_CASE("lines are given out one by one, without their line ends")
{
    check_in_pieces("USER alice\r\n\r\nQUIT\r\n", {line("USER alice"), line(""), line("QUIT")});
}

TEST_CASE("a line is given out only with its whole line end")
{
    check_in_pieces("MKD a", {});
    check_in_pieces("MKD a\r", {});
    check_in_pieces("MKD a\n", {});
}

TEST_CASE("a line end that is split between two reads is one line end")
{
    LineBuffer buffer;
    put(buffer, "MKD a\r");
    CHECK(buffer.next().status == Status::need_more);
    put(buffer, "\nMKD b\r");
    CHECK(buffer.next().text == "MKD a");
    CHECK(buffer.next().status == Status::need_more);
    put(buffer, "\n");
    CHECK(buffer.next().text == "MKD b");
}

TEST_CASE("a lone CR or LF stays inside its line")
{
    check_in_pieces("a\rb\nc\r\n", {line("a\rb\nc")});
    check_in_pieces("a\r\r\n", {line("a\r")});
    check_in_pieces("\n\r\r\n\n\r\n", {line("\n\r"), line("\n")});
    check_in_pieces(std::string{"a\0b\r\n", 5}, {line(std::string{"a\0b", 3})});
}

TEST_CASE("a line of 8,192 bytes is given out, one of 8,193 is skipped as a whole")
{
    const std::string fits(8192, 'x');
    const std::string does_not(8193, 'x');
    check_in_pieces(fits + "\r\n", {line(fits)});
    check_in_pieces(does_not + "\r\n", {too_long});
    check_in_pieces("a\r\n" + fits + "\r\n" + does_not + "\r\nb\r\n",
                    {line("a"), line(fits), too_long, line("b")});
    check_in_pieces(std::string(8191, 'x') + "\r\r\n", {line(std::string(8191, 'x') + "\r")});
    check_in_pieces(std::string(8192, 'x') + "\r\r\n", {too_long});
}

TEST_CASE("an over-long line is skipped once, and later lines are given out")
{
    for (const std::size_t size : {8194U, 16383U, 16384U, 16385U, 40000U, 65535U, 65536U})
        check_in_pieces(std::string(size, 'x') + "\r\nQUIT\r\n", {too_long, line("QUIT")});
    check_in_pieces(std::string(20000, '\r') + "\r\nQUIT\r\n", {too_long, line("QUIT")});
    check_in_pieces(std::string(20000, 'x') + "\r\n" + std::string(20000, 'y') + "\r\n",
                    {too_long, too_long});
}

TEST_CASE("after 65,536 bytes without a line end nothing more is given out, however they were cut")
{
    check_in_pieces(std::string(65537, 'x') + "\r\nQUIT\r\n", {endless});
    check_in_pieces(std::string(200000, 'x'), {endless});
    check_in_pieces("NOOP\r\n" + std::string(65537, '\n'), {line("NOOP"), endless});
}

TEST_CASE("an endless line stays endless")
{
    LineBuffer buffer;
    std::vector<Given> given;
    while (given.empty()) {
        put(buffer, std::string(4096, 'x'));
        take_all(buffer, given);
    }
    CHECK(given.back() == endless);
    put(buffer, "\r\nQUIT\r\n");
    CHECK(buffer.next().status == Status::endless);
}

TEST_CASE("a pipeline of many lines comes out whole and in order")
{
    std::string bytes;
    std::vector<Given> expected;
    for (int i = 0; i < 3000; ++i) {
        const std::string text =
            "MKD directory-" + std::to_string(i) + std::string(static_cast<std::size_t>(i % 50), 'x');
        bytes += text + "\r\n";
        expected.push_back(line(text));
    }
    check_in_pieces(bytes, expected);
}

TEST_CASE("received bytes that are not given out are pending")
{
    LineBuffer buffer;
    CHECK(buffer.pending() == 0);
    CHECK(buffer.next().status == Status::need_more);
    put(buffer, "AUTH TLS\r\nUSER");
    CHECK(buffer.next().text == "AUTH TLS");
    CHECK(buffer.pending() == 4);
    buffer.release_if_empty();
    CHECK(buffer.pending() == 4);
    put(buffer, " a\r\n");
    CHECK(buffer.next().text == "USER a");
    CHECK(buffer.pending() == 0);
}

TEST_CASE("memory given back is taken again for the next bytes")
{
    LineBuffer buffer;
    put(buffer, "NOOP\r\n");
    CHECK(buffer.next().text == "NOOP");
    buffer.release_if_empty();
    CHECK(buffer.next().status == Status::need_more);
    CHECK(!buffer.room().empty());
    put(buffer, "QUIT\r\n");
    CHECK(buffer.next().text == "QUIT");
}

TEST_CASE("giving memory back in the middle of an over-long line does not forget it")
{
    LineBuffer buffer;
    put(buffer, std::string(10000, 'x'));
    CHECK(buffer.next().status == Status::need_more);
    buffer.release_if_empty();
    CHECK(buffer.next().status == Status::need_more);
    put(buffer, "tail\r\nQUIT\r\n");
    CHECK(buffer.next().status == Status::too_long);
    CHECK(buffer.next().text == "QUIT");
}

TEST_CASE("there is always room once every line has been taken")
{
    LineBuffer buffer;
    std::vector<Given> given;
    for (int i = 0; i < 10000; ++i) {
        const auto room = buffer.room();
        REQUIRE(!room.empty());
        const auto size = std::min<std::size_t>(room.size(), static_cast<std::size_t>(i % 13) * 640 + 1);
        std::fill_n(room.begin(), size, 'x');
        if (i % 5 == 0 && size >= 2) {
            room[size - 2] = '\r';
            room[size - 1] = '\n';
        }
        buffer.received(size);
        take_all(buffer, given);
    }
    CHECK(
        std::none_of(given.begin(), given.end(), [](const Given& g) { return g.status == Status::endless; }));
}

TEST_CASE("a buffer that is moved takes its bytes along, and the memory of the other is given back by none")
{
    LineBuffer from;
    put(from, "first\r\nsec");
    CHECK(from.next().text == "first");
    LineBuffer to = std::move(from);
    put(to, "ond\r\n");
    CHECK(to.next().text == "second");
    to = LineBuffer{};
    CHECK(to.pending() == 0);
    put(to, "QUIT\r\n");
    CHECK(to.next().text == "QUIT");
}

namespace {

std::string received(LineBuffer& buffer, std::string_view bytes)
{
    const auto room = buffer.room();
    REQUIRE(room.size() >= bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    buffer.received(bytes.size());
    return std::string{bytes};
}

bool is_abor(std::string_view line)
{
    return line == "ABOR";
}

} // namespace

TEST_CASE("a line that must not wait is taken out, and the others stay in order")
{
    LineBuffer buffer;
    received(buffer, "NOOP\r\nABOR\r\nMKD a\r\nABOR\r\nMKD");
    CHECK(buffer.take_out(is_abor) == "ABOR");
    CHECK(buffer.take_out(is_abor) == "ABOR");
    CHECK_FALSE(buffer.take_out(is_abor));
    received(buffer, " b\r\n");
    std::vector<Given> given;
    take_all(buffer, given);
    CHECK(given == std::vector<Given>{line("NOOP"), line("MKD a"), line("MKD b")});
}

TEST_CASE("a line that must not wait is taken out only once it is whole")
{
    LineBuffer buffer;
    CHECK_FALSE(buffer.take_out(is_abor));
    received(buffer, "ABOR\r");
    CHECK_FALSE(buffer.take_out(is_abor));
    received(buffer, "\n");
    CHECK(buffer.take_out(is_abor) == "ABOR");
}

TEST_CASE("the end of a line that is too long is no line to be taken out")
{
    LineBuffer buffer;
    for (int i = 0; i < 3; ++i) {
        received(buffer, std::string(buffer.room().size(), 'x'));
        CHECK(buffer.next().status == Status::need_more);
    }
    received(buffer, "\r\nABOR\r\n");
    CHECK_FALSE(buffer.take_out(is_abor));
    CHECK(buffer.next().status == Status::too_long);
    CHECK(buffer.take_out(is_abor) == "ABOR");
}
