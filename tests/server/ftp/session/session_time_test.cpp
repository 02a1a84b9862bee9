// SITE TIME.
#include "server/ftp/session/session_driver.hpp"
#include "support/catch.hpp"

#include <chrono>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

ServerTime some_time(ServerTime::State state)
{
    return {1'796'033'700s + 42ns, 1'796'033'700s + 1ms, state, 16s, -18'000};
}

} // namespace

TEST_CASE("the time is told with nine decimals, the state of the clock, its error and the zone")
{
    using State = ServerTime::State;
    CHECK(Session::on_time(some_time(State::synchronised)) ==
          Reply{200, "TIME 1796033700.000000042 1796033700.001000000 synchronised 16000000 -18000"});
    CHECK(Session::on_time(some_time(State::local)).text.ends_with(" local 16000000 -18000"));
    CHECK(
        Session::on_time(some_time(State::unsynchronised)).text.ends_with(" unsynchronised 16000000 -18000"));
    CHECK(Session::on_time({}) == Reply{200, "TIME 0.000000000 0.000000000 unsynchronised 0 0"});
}

TEST_CASE_METHOD(test::SessionDriver,
                 "a question for the time is no login, and changes none that is under way")
{
    start_tls();
    CHECK(outcome("USER alice") == "331");
    CHECK(outcome("SITE TIME") == "tell time");
    CHECK(outcome("PASS secret") == "log in alice by password secret");
    for (int i = 0; i < 5; ++i)
        CHECK(outcome("site time") == "tell time");
    CHECK(outcome("USER bob") == "331");
}
