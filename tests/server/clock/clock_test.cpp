#include "server/clock/clock.hpp"

#include "support/catch.hpp"
#include "support/in_child.hpp"

#include <sys/timex.h>

#include <cstdlib>
#include <string>

using namespace ftpc::server;
using ftpc::test::in_child;

namespace {

constexpr std::time_t in_winter = 1'796'000'000; // 2026-11-30
constexpr std::time_t in_summer = 1'782'000'000; // 2026-06-21

// The offsets in winter and in summer, of a process that uses `zone`.
std::string offsets(const std::string& zone)
{
    return in_child([&]() -> std::string {
        if (!use_time_zone(zone)) return "no such zone";
        return std::to_string(zone_offset(in_winter)) + " " + std::to_string(zone_offset(in_summer));
    });
}

} // namespace

TEST_CASE("a zone has its offset from UTC, in winter and in summer")
{
    CHECK(offsets("Europe/Berlin") == "3600 7200");
    CHECK(offsets("Asia/Kolkata") == "19800 19800");
    CHECK(offsets("America/New_York") == "-18000 -14400");
    CHECK(offsets("UTC") == "0 0");
    CHECK(offsets("Etc/GMT+5") == "-18000 -18000");
}

TEST_CASE("without a name the zone is that of the machine, or of the environment")
{
    ::setenv("TZ", "Asia/Kolkata", 1);
    CHECK(offsets("") == "19800 19800");
    CHECK(offsets("Europe/Berlin") == "3600 7200");
    ::unsetenv("TZ");
    const std::string of_machine = in_child([] { return std::to_string(zone_offset(in_winter)); });
    CHECK(in_child([] { return (use_time_zone(""), std::to_string(zone_offset(in_winter))); }) == of_machine);
}

TEST_CASE("only a file of a zone beneath the directory of zones is a zone")
{
    CHECK(is_time_zone(""));
    CHECK(is_time_zone("Europe/Berlin"));
    for (const char* const name :
         {"Europe/Nowhere", "Europe", "zone1970.tab", "tzdata.zi", "../../../etc/localtime", "/etc/localtime",
          ":Europe/Berlin", "Europe/Berlin ", "CET-1CEST", "./UTC", "leapseconds"}) {
        INFO(name);
        CHECK_FALSE(is_time_zone(name));
        CHECK(offsets(name) == "no such zone");
    }
    CHECK_FALSE(is_time_zone(std::string{"UTC\0x", 5}));
}

TEST_CASE("a refused zone leaves the one in use")
{
    const std::string kept = in_child([] {
        use_time_zone("Asia/Kolkata");
        use_time_zone("Europe/Nowhere");
        return std::to_string(zone_offset(in_winter));
    });
    CHECK(kept == "19800");
}

TEST_CASE("the clock is as the kernel says, and reading it changes nothing")
{
    timex before{};
    const int state = ::adjtimex(&before);
    const KernelClock clock = read_kernel_clock();
    CHECK(clock.synchronised == (state != TIME_ERROR && (before.status & STA_UNSYNC) == 0));
    CHECK(clock.max_error <= std::chrono::seconds{16});
    CHECK((clock.leap >= 0 && clock.leap <= 2));
    timex after{};
    ::adjtimex(&after);
    CHECK(after.status == before.status);
    CHECK(after.freq == before.freq);
}
