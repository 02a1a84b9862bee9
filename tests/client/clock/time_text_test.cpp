#include "client/clock/time_text.hpp"

#include "support/catch.hpp"

#include <cstdlib>

using namespace ftpc::client;
using namespace std::chrono_literals;

namespace {

constexpr ClockTime moment{1'796'083'199s + 42'000'009ns}; // 2026-11-30T23:59:59.042000009Z

std::string shown(std::string_view format, std::chrono::seconds zone = 0s, bool utc = false)
{
    return format_time(format, moment, zone, utc).value_or("too long");
}

} // namespace

TEST_CASE("a time is shown as date(1) does it, in the zone of the server")
{
    CHECK(shown(format_of_date, 1h) == "Tue Dec  1 00:59:59 +01 2026");
    CHECK(shown(format_of_date, 1h, true) == "Mon Nov 30 23:59:59 UTC 2026");
    CHECK(shown("%F %T %z", 19'800s) == "2026-12-01 05:29:59 +0530");
    CHECK(shown("%Z|%z", -18'000s) == "-05|-0500");
    CHECK(shown("%Z", 19'800s) == "+0530");
    CHECK(shown("%Z", -1172s) == "-001932");
    CHECK(shown("%Z") == "+00");
    CHECK(shown("") == "");
    CHECK(shown("100%% of %-d") == "100% of 30");
}

TEST_CASE("the seconds since 1970 are the same in every zone, also in that of this machine")
{
    ::setenv("TZ", "Asia/Kolkata", 1);
    CHECK(shown("%s", 1h) == "1796083199");
    CHECK(shown("%s %%s", -7h, true) == "1796083199 %s");
    ::unsetenv("TZ");
}

TEST_CASE("nanoseconds are all nine digits, or the first of them")
{
    CHECK(shown("%s.%N") == "1796083199.042000009");
    CHECK(shown("%T.%3N") == "23:59:59.042");
    CHECK(shown("%1N%N") == "0042000009");
    CHECK(shown("%12N") == "042000009");
    CHECK(shown("%%N") == "%N");
    CHECK(shown("%-N") == "042000009");
}

TEST_CASE("a format that makes no end, or has none, is no harm")
{
    CHECK(shown("%99999999999999999999d") == "too long");
    CHECK(shown(std::string(70'000, 'x')) == "too long");
    for (const char* const format : {"%", "x%", "%-", "%10", "%E", "%O", "%5E", "%^_-"}) {
        INFO(format);
        CHECK(shown(format).size() < 20);
    }
}

TEST_CASE("offsets have a sign and six decimals, and bounds are rounded up")
{
    CHECK(offset_text(1h + 12'400ns) == "+3600.000012");
    CHECK(offset_text(-12'600ns) == "-0.000013");
    CHECK(offset_text(-400ns) == "+0.000000");
    CHECK(offset_text(0ns) == "+0.000000");
    CHECK(bound_text(63'001ns) == "0.000064");
    CHECK(bound_text(16s) == "16.000000");
}

TEST_CASE("lengths of time are for people")
{
    CHECK(length_text(4ms) == "0.004 s");
    CHECK(length_text(59'999'999'999ns) == "59.999 s");
    CHECK(length_text(50min + 12s) == "50 min 12 s");
    CHECK(length_text(1h) == "1 h");
    CHECK(length_text(1h + 2min + 3s) == "1 h 2 min");
    CHECK(length_text(72h) == "3 days");
}

TEST_CASE("a time in UTC has all its decimals")
{
    CHECK(utc_text_of(moment) == "2026-11-30T23:59:59.042000009Z");
}
