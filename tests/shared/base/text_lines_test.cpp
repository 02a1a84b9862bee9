#include "shared/base/text_lines.hpp"

#include "support/catch.hpp"

#include <vector>

using namespace ftpc;
using namespace std::string_literals;

namespace {

std::vector<std::string> lines_of(std::string_view text)
{
    std::vector<std::string> all;
    for (TextLines lines{text}; lines.next();)
        all.emplace_back(lines.line());
    return all;
}

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("lines end with LF or CR LF, and the last one may have no end")
{
    CHECK(lines_of("").empty());
    CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
    CHECK(lines_of("a\r\nb\r\n") == Lines{"a", "b"});
    CHECK(lines_of("a\r\n\r\nb") == Lines{"a", "", "b"});
    CHECK(lines_of("a\nb\r") == Lines{"a", "b"});
    CHECK(lines_of("a\r\r\n") == Lines{"a\r"}); // only one CR belongs to the line end
}

TEST_CASE("a byte-order mark at the beginning is no part of the first line, elsewhere it is")
{
    CHECK(lines_of("\xEF\xBB\xBF"
                   "a\n") == Lines{"a"});
    CHECK(lines_of("\xEF\xBB\xBF").empty());
    CHECK(lines_of("a\n\xEF\xBB\xBF\n") == Lines{"a", "\xEF\xBB\xBF"});
}

TEST_CASE("lines are counted from 1, and only the last one can lack its end")
{
    TextLines lines{"a\r\nb"};
    REQUIRE(lines.next());
    CHECK(lines.number() == 1);
    CHECK(lines.has_end());
    REQUIRE(lines.next());
    CHECK(lines.number() == 2);
    CHECK(!lines.has_end());
    CHECK(!lines.next());
}

TEST_CASE("a file that is no text of lines is named for what it is, with the line")
{
    for (const auto& good : {""s, "a\n"s, "a\r\nb\r\n"s, "a\r"s, "\xEF\xBB\xBF"s})
        CHECK(find_text_fault(good).what.empty());
    for (const auto& utf16 : {"\xFF\xFE"s, "\xFE\xFF\0a"s}) {
        CHECK(find_text_fault(utf16).line == 1);
        CHECK(find_text_fault(utf16).what.find("UTF-16") != std::string::npos);
    }
    const TextFault nul = find_text_fault("a\nb\0"s);
    CHECK(nul.line == 2);
    CHECK(nul.what.find("NUL") != std::string::npos);
    for (const auto& text : {"a\nb\rc\n"s, "a\n\r\r\n"s}) {
        CHECK(find_text_fault(text).line == 2);
        CHECK(find_text_fault(text).what.find("CR") != std::string::npos);
    }
}
