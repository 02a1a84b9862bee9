#include "shared/base/text.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <string>

using namespace ftpc;
using namespace std::string_literals;

TEST_CASE("well-formed UTF-8 of every length is UTF-8")
{
    for (const auto& text :
         {""s, "plain"s, "\0"s, "\x7f"s, "\xc2\x80"s, "\xdf\xbf"s, "\xe0\xa0\x80"s, "\xed\x9f\xbf"s,
          "\xee\x80\x80"s, "\xef\xbf\xbf"s, "\xf0\x90\x80\x80"s, "\xf4\x8f\xbf\xbf"s, "资料/图片"s}) {
        CAPTURE(text);
        CHECK(is_utf8(text));
    }
}

TEST_CASE("overlong forms, surrogates, code points above U+10FFFF and cut-off sequences are not UTF-8")
{
    for (const auto& text : {"\x80"s,
                             "\xbf"s,
                             "\xc0\x80"s,
                             "\xc1\xbf"s,
                             "\xc2"s,
                             "\xc2\x41"s,
                             "\xc2\xc0"s,
                             "\xe0\x80\x80"s,
                             "\xe0\x9f\xbf"s,
                             "\xe4\xb8"s,
                             "\xe4\xb8\x2f"s,
                             "\xed\xa0\x80"s,
                             "\xed\xbf\xbf"s,
                             "\xf0\x80\x80\x80"s,
                             "\xf0\x8f\xbf\xbf"s,
                             "\xf0\x90\x80"s,
                             "\xf4\x90\x80\x80"s,
                             "\xf5\x80\x80\x80"s,
                             "\xf8\x88\x80\x80\x80"s,
                             "\xfe"s,
                             "\xff"s,
                             "good\xff"s,
                             "good\xe4\xb8"s}) {
        CAPTURE(text);
        CHECK(!is_utf8(text));
    }
}

TEST_CASE("the first bytes of a text are whole characters")
{
    CHECK(first_bytes("abc", 3) == "abc");
    CHECK(first_bytes("abc", 2) == "ab");
    CHECK(first_bytes("abc", 0).empty());
    const std::string text = "a\u00E9\u8D44\U0001F600"; // of 1, 2, 3 and 4 bytes
    for (const auto& [most, bytes] : {std::pair{1U, 1U},
                                      {2U, 1U},
                                      {3U, 3U},
                                      {4U, 3U},
                                      {5U, 3U},
                                      {6U, 6U},
                                      {7U, 6U},
                                      {9U, 6U},
                                      {10U, 10U},
                                      {11U, 10U}})
        CHECK(first_bytes(text, most) == text.substr(0, bytes));
}

TEST_CASE("control characters are C0, DEL and C1")
{
    for (const auto& text :
         {"\0"s, "a\tb"s, "a\r"s, "\n"s, "\x1b[2J"s, "\x1f"s, "\x7f"s, "\xc2\x80"s, "\xc2\x9f"s})
        CHECK(has_control_character(text));
    for (const auto& text : {""s, " "s, "~"s, "\xc2\xa0"s, "资料"s, "a\\b\"c%d"s})
        CHECK(!has_control_character(text));
}

TEST_CASE("a user name begins with a letter or underscore and has at most 32 characters")
{
    for (const auto& name : {"a"s, "_"s, "alice"s, "a.b-c_9"s, "_9"s, "a" + std::string(31, '9')})
        CHECK(is_user_name(name));
    for (const auto& name : {""s, "9a"s, ".a"s, "-a"s, "Alice"s, "a b"s, "a/b"s, ".."s, "a:b"s, "a\0"s,
                             "a\n"s, "ä"s, "a" + std::string(32, '9')}) {
        CAPTURE(name);
        CHECK(!is_user_name(name));
    }
}

TEST_CASE("a realm is 1 to 64 letters, digits, underscores and hyphens")
{
    CHECK(is_realm("6f2c8e1bd0a94f7793ab5c44e1d2f0a7"));
    CHECK(is_realm("A-z_9"));
    CHECK(is_realm(std::string(64, 'r')));
    for (const std::string& bad :
         {std::string{}, std::string(65, 'r'), std::string{"a b"}, std::string{"a.b"}, std::string{"资"}})
        CHECK_FALSE(is_realm(bad));
}

TEST_CASE("a password has 1 to 1,024 bytes of UTF-8")
{
    CHECK(check_password("x"));
    CHECK(check_password("密码"));
    CHECK(check_password("with \t and \x01"));
    CHECK(check_password(std::string(1024, 'x')));
    CHECK(check_password("").error() == Errc::empty_password);
    CHECK(check_password(std::string(1025, 'x')).error() == Errc::long_password);
    CHECK(check_password("caf\xe9").error() == Errc::not_utf8);
}

TEST_CASE("text for a terminal has no control character and stays unambiguous")
{
    CHECK(printable("资料/a b\"%") == "资料/a b\"%");
    CHECK(printable("\x1b[2J") == "\\x1b[2J");
    CHECK(printable("a\r\nb"s + '\0') == "a\\x0d\\x0ab\\x00");
    CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
    CHECK(printable("a\xe2\x80\xae"
                    "b") == "a\\xe2\\x80\\xae"
                            "b");                                     // U+202E turns later text around
    CHECK(printable("a\xf3\xa0\x80\xa1") == "a\\xf3\\xa0\\x80\\xa1"); // U+E0021, which is not seen at all
    CHECK(printable("a\xc2\xad"
                    "b\xe3\x85\xa4") == "a\\xc2\\xad"
                                        "b\\xe3\\x85\\xa4");                    // soft hyphen, Hangul filler
    CHECK(printable("\xe2\x9d\xa4\xef\xb8\x8f") == "\xe2\x9d\xa4\xef\xb8\x8f"); // an emoji with its selector
    CHECK(printable("\xff\xfe") == "\\xff\\xfe");
    CHECK(printable("\xe4\xb8") == "\\xe4\\xb8");
    CHECK(printable("\\x1b") == "\\\\x1b");
    CHECK(printable("") == "");
}

TEST_CASE("text for people shows every character that hides itself or turns others around")
{
    // Bidi_Control, zero-width and filling characters, tags, noncharacters, separators of lines.
    for (const auto& hidden :
         {"\u00AD"s,     "\u034F"s,       "\u061C"s,       "\u115F"s,     "\u1160"s,     "\u17B4"s,
          "\u17B5"s,     "\u180B"s,       "\u180E"s,       "\u180F"s,     "\u200B"s,     "\u200C"s,
          "\u200D"s,     "\u200E"s,       "\u200F"s,       "\u2028"s,     "\u2029"s,     "\u202A"s,
          "\u202E"s,     "\u2060"s,       "\u2064"s,       "\u2066"s,     "\u2069"s,     "\u206F"s,
          "\u2800"s,     "\u3164"s,       "\uFE00"s,       "\uFE0F"s,     "\uFEFF"s,     "\uFFA0"s,
          "\uFFF9"s,     "\xEF\xB7\x90"s, "\xEF\xBF\xBE"s, "\U00013430"s, "\U0001BCA0"s, "\U0001D173"s,
          "\U000E0001"s, "\U000E0061"s,   "\U000E0100"s}) {
        CAPTURE(printable(hidden));
        CHECK(is_printable_ascii(printable("a" + hidden + "b")));
        CHECK(!is_seen_as_it_is("a" + hidden + "b"));
        CHECK(is_printable_ascii(printable_lines(hidden)));
    }
    for (const auto& seen : {"\u8D44\u6599"s, "\u00E9"s, "e\u0301"s, "\u3000"s, "\u00A0"s, "\uFFFD"s,
                             "\u0645\u0631"s, "\U0001F600"s, "a\\b"s}) {
        CAPTURE(seen);
        CHECK(is_seen_as_it_is(seen));
        CHECK(printable_lines(seen) == seen);
    }
}

TEST_CASE("a variation selector is shown if it selects nothing")
{
    CHECK(is_seen_as_it_is("\u2764\uFE0F"));        // a heart as an emoji
    CHECK(is_seen_as_it_is("\u00A9\uFE0E"));        // the sign of copyright as text
    CHECK(!is_seen_as_it_is("adm\uFE0Fin"));        // a letter has one look
    CHECK(!is_seen_as_it_is("\uFE0F"));             // nothing before it
    CHECK(!is_seen_as_it_is("\u2764\uFE0F\uFE0F")); // one is enough
    CHECK(!is_seen_as_it_is("\u202E\uFE0F"));
}

TEST_CASE("lines for people keep their ends, tabs and escapes")
{
    CHECK(printable_lines("a\tb\\\nc\r\n") == "a\tb\\\nc\\x0d\n");
    CHECK(printable_lines("\x1b[2J\xff") == "\\x1b[2J\\xff");
}

TEST_CASE("JSON for people means the same, and hides nothing")
{
    CHECK(printable_json("{\"a\":\"\u202E\\n\u8D44\x7f\"}") == "{\"a\":\"\\u202e\\n\u8D44\\u007f\"}");
    CHECK(printable_json("\"\U000E0061\"") == "\"\\udb40\\udc61\"");
    CHECK(printable_json("\"\xff\"") == "\"\\ufffd\"");
}

TEST_CASE("a word for a shell is in quotes if it needs them")
{
    CHECK(shell_word("/srv/ftpc/home-1_a.b:c") == "/srv/ftpc/home-1_a.b:c");
    CHECK(shell_word("") == "''");
    CHECK(shell_word("a b") == "'a b'");
    CHECK(shell_word("$(x);~*") == "'$(x);~*'");
    CHECK(printable(shell_word("it's")) == R"('it'"'"'s')");
}
