#include "client/clock/occurrence.hpp"

#include "support/catch.hpp"

#include <string>

using namespace ftpc::client;
using namespace std::chrono_literals;
using std::chrono::local_seconds;

namespace {

// Both in the form "2026-12-01T00:00:00".
std::string nearest(const char* time, const char* now)
{
    const auto here = occurrence_of(*parse_time_of_day(now), {});
    return occurrence_text(occurrence_of(*parse_time_of_day(time), here));
}

} // namespace

TEST_CASE("a time of the day has hours and minutes, perhaps seconds, perhaps a day")
{
    CHECK(parse_time_of_day("00:00")->since_midnight == 0s);
    CHECK(parse_time_of_day("23:59:30")->since_midnight == 24h - 30s);
    CHECK_FALSE(parse_time_of_day("00:00")->day);
    const auto on_day = parse_time_of_day("2028-02-29T06:30");
    REQUIRE(on_day);
    CHECK(occurrence_text(occurrence_of(*on_day, {})) == "2028-02-29T06:30:00");
}

TEST_CASE("other forms are no time of the day")
{
    for (const char* const text : {"",
                                   "0",
                                   "midnight",
                                   "24:00",
                                   "23:60",
                                   "23:59:60",
                                   "0:00",
                                   "00:0",
                                   "00:00:0",
                                   "00:00:00:00",
                                   "00-00",
                                   " 00:00",
                                   "00:00 ",
                                   "-1:00",
                                   "+1:00",
                                   "00:-1",
                                   "2026-12-01",
                                   "2026-12-01 00:00",
                                   "T00:00",
                                   "2026-02-29T00:00",
                                   "2026-13-01T00:00",
                                   "2026-00-01T00:00",
                                   "2026-12-32T00:00",
                                   "1969-12-31T00:00",
                                   "2255-01-01T00:00",
                                   "26-12-01T00:00",
                                   "2026-12-01T",
                                   "2026-12-01T00:00T00:00",
                                   "2026-12-1T000:00",
                                   "2026:12:01T00:00"}) {
        INFO(text);
        CHECK_FALSE(parse_time_of_day(text));
    }
}

TEST_CASE("the nearest occurrence is meant, past or to come")
{
    CHECK(nearest("00:00", "2026-11-30T23:50") == "2026-12-01T00:00:00");
    CHECK(nearest("00:00", "2026-12-01T00:00") == "2026-12-01T00:00:00");
    CHECK(nearest("00:00", "2026-12-01T00:50") == "2026-12-01T00:00:00");
    CHECK(nearest("00:00", "2026-12-01T11:59:59") == "2026-12-01T00:00:00");
    CHECK(nearest("00:00", "2026-12-01T12:00") == "2026-12-02T00:00:00"); // just as near: the one to come
    CHECK(nearest("23:30", "2026-12-01T00:10") == "2026-11-30T23:30:00");
    CHECK(nearest("23:30", "2026-12-31T23:40") == "2026-12-31T23:30:00");
    CHECK(nearest("12:00", "2026-12-01T00:00") == "2026-12-01T12:00:00");
    CHECK(nearest("12:00", "2026-12-01T23:59:59") == "2026-12-01T12:00:00");
    CHECK(nearest("06:00", "2026-12-31T22:00") == "2027-01-01T06:00:00");
    CHECK(nearest("2026-12-05T00:00", "2026-12-01T00:00") == "2026-12-05T00:00:00");
    CHECK(nearest("2026-12-01T00:00", "2027-12-01T00:00") == "2026-12-01T00:00:00");
}

TEST_CASE("a local time is that of a zone east or west of UTC")
{
    const ClockTime time{1'796'083'199s + 999ms}; // 2026-11-30T23:59:59 in UTC
    CHECK(occurrence_text(local_time(time, 0s)) == "2026-11-30T23:59:59");
    CHECK(occurrence_text(local_time(time, 1h)) == "2026-12-01T00:59:59");
    CHECK(occurrence_text(local_time(time, -19'800s)) == "2026-11-30T18:29:59");
}
