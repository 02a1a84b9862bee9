#include "client/clock/time_reply.hpp"

#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::client;
using namespace std::chrono_literals;

namespace {

std::optional<ToldTime> parse(const std::string& text, int code = 200)
{
    return parse_time_reply({code, text});
}

} // namespace

TEST_CASE("the reply to SITE TIME has two points in time, the state of the clock, its error and the zone")
{
    const auto told = parse("TIME 1796033700.000000042 1796033700.001000000 synchronised 512 -18000");
    REQUIRE(told);
    CHECK(told->received == ClockTime{1'796'033'700s + 42ns});
    CHECK(told->sent == ClockTime{1'796'033'700s + 1ms});
    CHECK(told->state == ClockState::synchronised);
    CHECK(told->max_error == 512us);
    CHECK(told->zone_offset == -5h);
    CHECK(parse("TIME 0.000000000 0.000000000 local 0 0")->state == ClockState::local);
    CHECK(parse("TIME 0.000000000 0.000000000 unsynchronised 16000000 86399")->zone_offset == 86'399s);
    CHECK(parse("TIME 8999999999.999999999 8999999999.999999999 local 1000000000000 -86399"));
}

TEST_CASE("a reply of another form, or with a value that no server can mean, is none")
{
    for (const char* const text : {
             "",
             "TIME",
             "OK.",
             "TIME 1.000000000 1.000000000 local 0",            // too few words
             "TIME 1.000000000 1.000000000 local 0 0 0",        // too many
             "TIME 1.000000000 1.000000000 local 0 0 ",         //
             "TIME  1.000000000 1.000000000 local 0 0",         // two spaces
             "time 1.000000000 1.000000000 local 0 0",          //
             "TIME 1.000000000 1.000000000 Local 0 0",          // no such state
             "TIME 1.00000000 1.000000000 local 0 0",           // eight decimals
             "TIME 1.0000000000 1.000000000 local 0 0",         // ten
             "TIME 1 1 local 0 0",                              //
             "TIME .000000000 1.000000000 local 0 0",           //
             "TIME -1.000000000 1.000000000 local 0 0",         // before 1970
             "TIME 1.-00000001 1.000000000 local 0 0",          //
             "TIME +1.000000000 1.000000000 local 0 0",         //
             "TIME 1.000000000 9000000000.000000000 local 0 0", // too late for nanoseconds
             "TIME 1.000000000 99999999999999999999.000000000 local 0 0",
             "TIME 1.000000001 1.000000000 local 0 0",  // sent before it was received
             "TIME 1.000000000 1.000000000 local -1 0", //
             "TIME 1.000000000 1.000000000 local 1000000000001 0",
             "TIME 1.000000000 1.000000000 local 0 86400",  // a day
             "TIME 1.000000000 1.000000000 local 0 -86400", //
             "TIME 1.000000000 1.000000000 local 0 +3600",  //
             "TIME 1.000000000 1.000000000 local 0x1 0",    //
             "TIME 1.000000000 1.000000000 local 0 0\nEnd", //
         }) {
        INFO(text);
        CHECK_FALSE(parse(text));
    }
    CHECK_FALSE(parse("TIME 0.000000000 0.000000000 local 0 0", 250));
}
