#include "server/time/time_text.hpp"

#include "server/clock/clock.hpp"
#include "support/catch.hpp"
#include "support/in_child.hpp"

#include <clocale>
#include <map>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr std::time_t now = 1'795'996'800 + 7 * 3600 + 5 * 60 + 9; // 2026-11-30 07:05:09 UTC, a Monday

std::string written(std::string_view format, std::time_t at = now)
{
    TimeText text{};
    return std::string{write_time(format, max_time_text_bytes(format.size()), at, text)};
}

std::string written_in(const std::string& zone, std::string_view format, std::time_t at = now)
{
    return test::in_child([&] { return use_time_zone(zone) ? written(format, at) : "no such zone"; });
}

// Made with Python's time.strftime, in Europe/Berlin.
const std::map<char, std::string> in_berlin{
    {'a', "Mon"},
    {'A', "Monday"},
    {'b', "Nov"},
    {'B', "November"},
    {'c', "Mon Nov 30 08:05:09 2026"},
    {'C', "20"},
    {'d', "30"},
    {'D', "11/30/26"},
    {'e', "30"},
    {'F', "2026-11-30"},
    {'g', "26"},
    {'G', "2026"},
    {'h', "Nov"},
    {'H', "08"},
    {'I', "08"},
    {'j', "334"},
    {'m', "11"},
    {'M', "05"},
    {'p', "AM"},
    {'r', "08:05:09 AM"},
    {'R', "08:05"},
    {'s', "1796022309"},
    {'S', "09"},
    {'T', "08:05:09"},
    {'u', "1"},
    {'U', "48"},
    {'V', "49"},
    {'w', "1"},
    {'W', "48"},
    {'x', "11/30/26"},
    {'X', "08:05:09"},
    {'y', "26"},
    {'Y', "2026"},
    {'z', "+0100"},
    {'Z', "CET"},
};

} // namespace

TEST_CASE(
    "each allowed conversion is that of strftime, in the zone that is in use, and every other is refused")
{
    for (int byte = 1; byte < 256; ++byte) {
        const char conversion = static_cast<char>(byte);
        INFO(byte);
        const auto found = in_berlin.find(conversion);
        CHECK(written_in("Europe/Berlin", std::string{'%', conversion}) ==
              (found == in_berlin.end() ? "?" : found->second));
    }
}

TEST_CASE("text between the conversions stays, also that of other scripts")
{
    CHECK(written_in("UTC", "%Y/%m/%d %H:%M:%S") == "2026/11/30 07:05:09");
    CHECK(written_in("Asia/Shanghai", "%Y年%m月%d日 %H时") == "2026年11月30日 15时");
    CHECK(written_in("UTC", "a%Yb") == "a2026b");
}

TEST_CASE("flags, widths, modifiers and a '%' at the end are refused")
{
    for (const char* const format :
         {"%",   "%Y%", "%%",  "%%Y", "%n",         "%t",    "%5Y", "%-d", "%_d", "%0d", "%^a",
          "%#a", "%Ey", "%Od", "%+",  "%99999999c", "%Y %q", "%P",  "%k",  "%l",  "% Y", "%年"}) {
        INFO(format);
        CHECK(written(format) == "?");
    }
}

TEST_CASE("a text that would be longer than 28 bytes and twice its format is refused")
{
    CHECK(written("%c").size() == 24);
    CHECK(written("%c%c") == "?"); // 48 bytes; 36 are allowed
    std::string repeated;
    for (int i = 0; i < 64; ++i)
        repeated += "%c";
    CHECK(written(repeated) == "?");
    CHECK(written(std::string(124, 'x') + "%c").size() == 148);
    TimeText text{};
    CHECK(write_time("%F", 10, now, text).size() == 10);
    CHECK(write_time("%F", 9, now, text) == "?");
}

TEST_CASE("years of any length make no longer text than is allowed, and times without a date are refused")
{
    for (const std::time_t at :
         {std::time_t{-62'167'219'201}, std::time_t{67'768'036'191'676'799}, std::time_t{253'402'300'800}}) {
        const std::string text = written("%G%Y%C%c%F", at);
        CHECK(text.size() <= max_time_text_bytes(10));
        CHECK(text.find('%') == std::string::npos);
    }
    CHECK(written("%Y", std::numeric_limits<std::time_t>::max()) == "?");
}

TEST_CASE("no locale has a say")
{
    const auto in_locale = [] {
        for (const char* const name : {"de_DE.UTF-8", "C.UTF-8"})
            ::setenv("LC_ALL", name, 1);
        return written("%A %B %x");
    };
    CHECK(test::in_child(in_locale) == "Monday November 11/30/26");
}

TEST_CASE("a zone whose name holds '%' makes no answer that another text service would answer")
{
    CHECK(test::in_child([] {
              ::setenv("TZ", "<%Y>0", 1);
              ::tzset();
              return written("%Z") + written("%H");
          }).find('%') == std::string::npos);
}

TEST_CASE("one line end is left out")
{
    CHECK(time_format_in("%Y") == "%Y");
    CHECK(time_format_in("%Y\n") == "%Y");
    CHECK(time_format_in("%Y\r\n") == "%Y");
    CHECK(time_format_in("%Y\n\n").empty());
    CHECK(time_format_in("%Y\r\r\n").empty());
    CHECK(time_format_in("\n%Y").empty());
}

TEST_CASE("a datagram that is no format gets no answer")
{
    for (const std::string_view datagram :
         {std::string_view{""}, std::string_view{"\n"}, std::string_view{"2026-11-30"}, std::string_view{"?"},
          std::string_view{"%Y\0", 3}, std::string_view{"%Y\t%m"}, std::string_view{"%Y\x7F"},
          std::string_view{"\x1B[2J%Y"}, std::string_view{"%Y\xC2\x85"}, std::string_view{"%Y\xFF"},
          std::string_view{"%Y\xC0\xA5"}, std::string_view{"%\xE5\xB9"}})
        CHECK(time_format_in(datagram).empty());
    CHECK(time_format_in(std::string(126, 'x') + "%Y").size() == 128);
    CHECK(time_format_in(std::string(127, 'x') + "%Y").empty());
    CHECK(time_format_in(std::string(126, 'x') + "%Y\n").empty());
}
