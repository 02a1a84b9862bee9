#include "server/transport/deadlines.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;
using For = Deadlines::For;

namespace {

Settings settings()
{
    Settings s;
    s.login_timeout = 100s;
    s.tls_timeout = 10s;
    s.idle_timeout = 50s;
    s.write_timeout = 20s;
    return s;
}

const Deadlines::Time begin{1000s};

} // namespace

TEST_CASE("a login has to be made in time, during any other activity")
{
    Deadlines deadlines{begin};
    for (const auto what : {For::nothing, For::command}) {
        deadlines.wait(what, begin + 99s);
        deadlines.command_answered(begin + 99s);
        CHECK_FALSE(deadlines.exceeded(settings(), begin + 99s));
        CHECK((deadlines.exceeded(settings(), begin + 100s) == TimeLimit::login));
    }
    deadlines.logged_in();
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 100s));

    SECTION("and again in time after the login has ended")
    {
        deadlines.logged_out(begin + 500s);
        deadlines.wait(For::command, begin + 590s);
        CHECK_FALSE(deadlines.exceeded(settings(), begin + 599s));
        CHECK((deadlines.exceeded(settings(), begin + 600s) == TimeLimit::login));
    }
    SECTION("logging out without a login gives no more time")
    {
        Deadlines unauthenticated{begin};
        unauthenticated.logged_out(begin + 99s);
        CHECK((unauthenticated.exceeded(settings(), begin + 100s) == TimeLimit::login));
    }
}

TEST_CASE("a handshake has a bound of its own")
{
    Deadlines deadlines{begin};
    deadlines.wait(For::handshake, begin + 5s);
    deadlines.client_took_something(begin + 14s); // of the reply to AUTH TLS
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 14s));
    CHECK((deadlines.exceeded(settings(), begin + 15s) == TimeLimit::tls));
    deadlines.wait(For::nothing, begin + 15s);
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 15s));
}

TEST_CASE("a session is idle without commands, not without bytes")
{
    Deadlines deadlines{begin};
    deadlines.logged_in();
    deadlines.command_answered(begin);
    for (auto now = begin; now < begin + 50s; now += 5s) {
        deadlines.wait(For::command, now); // bytes came, and no line end among them
        CHECK_FALSE(deadlines.exceeded(settings(), now));
    }
    CHECK((deadlines.exceeded(settings(), begin + 50s) == TimeLimit::idle));
    deadlines.command_answered(begin + 50s);
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 99s));
}

TEST_CASE("a session is not idle while the server is at work for it")
{
    Deadlines deadlines{begin};
    deadlines.logged_in();
    deadlines.wait(For::nothing, begin);
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 1000s));
}

TEST_CASE("a client may take its replies slowly, but not stop taking them")
{
    Deadlines deadlines{begin};
    deadlines.logged_in();
    deadlines.wait(For::taking, begin);
    for (auto now = begin; now < begin + 200s; now += 19s) {
        CHECK_FALSE(deadlines.exceeded(settings(), now));
        deadlines.client_took_something(now);
    }
    deadlines.client_took_something(begin + 200s);
    CHECK((deadlines.exceeded(settings(), begin + 220s) == TimeLimit::write));
}

TEST_CASE("a connection that ends is waited for shortly")
{
    Deadlines deadlines{begin};
    deadlines.logged_in();
    SECTION("to read its last reply")
    {
        deadlines.wait(For::last_reading, begin);
    }
    SECTION("in any stage")
    {
        deadlines.hurry(begin);
        deadlines.wait(For::taking, begin + 1s);
        deadlines.client_took_something(begin + 1s);
        deadlines.hurry(begin + 1s);
    }
    CHECK_FALSE(deadlines.exceeded(settings(), begin + 1s));
    CHECK((deadlines.exceeded(settings(), begin + 2s) == TimeLimit::last_reply));
}

TEST_CASE("time limits have the names of their settings")
{
    std::size_t found = 0;
    for (const auto& setting : setting_descriptions())
        for (const auto limit : {TimeLimit::login, TimeLimit::tls, TimeLimit::idle, TimeLimit::write})
            if (setting.name == setting_name(limit)) ++found;
    CHECK(found == 4);
}
