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

TEST_CASE("a word for a shell is in quotes if it needs them")
{
    CHECK(shell_word("/srv/ftpc/home-1_a.b:c") == "/srv/ftpc/home-1_a.b:c");
    CHECK(shell_word("") == "''");
    CHECK(shell_word("a b") == "'a b'");
    CHECK(shell_word("$(x);~*") == "'$(x);~*'");
    CHECK(printable(shell_word("it's")) == R"('it'"'"'s')");
}
