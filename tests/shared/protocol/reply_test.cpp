#include "shared/protocol/reply.hpp"

#include "support/catch.hpp"

#include <string>
#include <string_view>

using namespace ftpc;
using State = ReplyReader::State;

namespace {

std::string wire(const Reply& reply)
{
    std::string out;
    append_wire(out, reply);
    return out;
}

// Feeds all of `text`, line by line; the state after its last line.
State feed(ReplyReader& reader, std::string_view text)
{
    State state = State::incomplete;
    while (!text.empty()) {
        const auto end = text.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        state = reader.feed(text.substr(0, end));
        text.remove_prefix(end + 2);
        if (!text.empty()) REQUIRE(state == State::incomplete);
    }
    return state;
}

} // namespace

TEST_CASE("a reply of one line is its code, a space and its text")
{
    CHECK(wire({230, "Logged in."}) == "230 Logged in.\r\n");
    CHECK(wire({200, ""}) == "200 \r\n");
}

TEST_CASE("a reply of several lines begins with a dash and ends with a space behind the code")
{
    CHECK(wire({211, "Features:\nAUTH TLS\nUTF8\nEnd"}) ==
          "211-Features:\r\n AUTH TLS\r\n UTF8\r\n211 End\r\n");
    CHECK(wire({211, "a\nb"}) == "211-a\r\n211 b\r\n");
    CHECK(wire({211, "a\n"}) == "211-a\r\n211 \r\n");
}

TEST_CASE("a line in the middle that looks like the last one does not end the reply")
{
    const Reply reply{211, "Session keys:\n211 not the end\n530 nor this\nEnd"};
    ReplyReader reader;
    CHECK(feed(reader, wire(reply)) == State::complete);
    CHECK(reader.reply() == reply);
}

TEST_CASE("replies are read as they were written")
{
    ReplyReader reader;
    for (const Reply& reply : {Reply{230, "Logged in."}, Reply{211, "Features:\n AUTH TLS\n\nEnd"},
                               Reply{200, ""}, Reply{257, "\"/a \"\"b\"\"\" created."}}) {
        CHECK(feed(reader, wire(reply)) == State::complete);
        CHECK(reader.reply() == reply);
    }
}

TEST_CASE("the reply ends with its own code only, as RFC 959 section 4.2 has it")
{
    ReplyReader reader;
    CHECK(reader.feed("123-First line") == State::incomplete);
    CHECK(reader.feed("Second line") == State::incomplete);
    CHECK(reader.feed("  234 A line beginning with numbers") == State::incomplete);
    CHECK(reader.feed("124 another code") == State::incomplete);
    CHECK(reader.feed("123-still the middle") == State::incomplete);
    CHECK(reader.feed("123 The last line") == State::complete);
    CHECK(reader.reply().code == 123);
    CHECK(reader.reply().text == "First line\nSecond line\n 234 A line beginning with numbers\n124 another "
                                 "code\n123-still the middle\n"
                                 "The last line");
}

TEST_CASE("a code without any text is a whole reply")
{
    ReplyReader reader;
    CHECK(reader.feed("220") == State::complete);
    CHECK(reader.reply() == Reply{220, ""});
    CHECK(reader.feed("211-") == State::incomplete);
    CHECK(reader.feed("211") == State::complete);
    CHECK(reader.reply() == Reply{211, "\n"});
}

TEST_CASE("a line that does not begin with a reply code is malformed")
{
    for (const std::string_view line : {"", "22", "2x0 a", "HTTP/1.1 400", "099 low", "600 high", "220x",
                                        "2200 a", " 220 a", "-20 a", "SSH-2.0-x"}) {
        CAPTURE(line);
        CHECK(ReplyReader{}.feed(line) == State::malformed);
    }
}

TEST_CASE("a reply that never ends is malformed at a bounded size")
{
    ReplyReader reader;
    State state = reader.feed("211-");
    int lines = 0;
    for (; state == State::incomplete && lines < 1000; ++lines)
        state = reader.feed(std::string(1000, 'x'));
    CHECK(state == State::malformed);
    CHECK(lines >= 60);
    CHECK(reader.reply().text.size() <= ReplyReader::max_reply_bytes + 1000);

    ReplyReader empty_lines;
    state = empty_lines.feed("211-");
    for (lines = 0; state == State::incomplete && lines < 100000; ++lines)
        state = empty_lines.feed("");
    CHECK(state == State::malformed);
}
