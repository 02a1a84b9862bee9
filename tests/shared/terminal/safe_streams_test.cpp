#include "shared/terminal/safe_streams.hpp"

#include "support/catch.hpp"

#include <ostream>
#include <sstream>

using namespace ftpc;

namespace {

std::string written(std::initializer_list<std::string_view> pieces)
{
    std::stringbuf target;
    {
        EscapingBuffer buffer{target};
        std::ostream stream{&buffer};
        for (const std::string_view piece : pieces)
            stream << piece << std::flush;
    }
    return target.str();
}

} // namespace

TEST_CASE("a stream for people shows what would harm a terminal or hide, and leaves lines and escapes alone")
{
    CHECK(written({"a\tb\nc\\x1b\n"}) == "a\tb\nc\\x1b\n");
    CHECK(written({"\x1b[2J\r\n"}) == "\\x1b[2J\\x0d\n");
    CHECK(written({"a\u202Eb\u200Bc\n"}) == "a\\xe2\\x80\\xaeb\\xe2\\x80\\x8bc\n");
}

TEST_CASE("a character that comes in pieces is one character")
{
    CHECK(written({"\xE8", "\xB5", "\x84\n"}) == "\u8D44\n");
    CHECK(written({"\xE2\x80", "\xAE"}) == "\\xe2\\x80\\xae");
    CHECK(written({"\xF0\x9F", "\x98\x80"}) == "\U0001F600");
}

TEST_CASE("bytes that are no character come out at the end")
{
    CHECK(written({"a\xE8"}) == "a\\xe8");
    CHECK(written({"\x80\x80\x80\x80", "\xFF", "b"}) == "\\x80\\x80\\x80\\x80\\xffb");
}

TEST_CASE("a colour that the program gives passes in its place, and one in a text does not")
{
    std::stringbuf target;
    EscapingBuffer buffer{target};
    std::ostream stream{&buffer};
    stream << "a\x1b[0m";
    put_sequence(stream, "\x1b[1m");
    stream << "\u8D44";
    put_sequence(stream, "\x1b[0m");
    stream << "b" << std::flush;
    CHECK(target.str() == "a\\x1b[0m\x1b[1m\u8D44\x1b[0mb");

    std::ostringstream plain;
    put_sequence(plain, "\x1b[1m");
    CHECK(plain.str() == "\x1b[1m");
}

TEST_CASE("much text does not wait for a flush")
{
    std::stringbuf target;
    EscapingBuffer buffer{target};
    std::ostream stream{&buffer};
    stream << std::string(100'000, 'x');
    CHECK(target.str().size() == 100'000);
}

TEST_CASE("a target that takes nothing fails the stream")
{
    struct Full final : std::streambuf {
    } full;
    EscapingBuffer buffer{full};
    std::ostream stream{&buffer};
    stream << "text" << std::flush;
    CHECK(!stream);
    stream.clear();
    put_sequence(stream, "\x1b[0m");
    CHECK(!stream);
}
