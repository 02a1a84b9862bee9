#include "server/transport/patience.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;
using For = Patience::For;

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

const Patience::Time begin{1000s};

} // namespace

TEST_CASE("a login has to be made in time, whatever else goes on")
{
    Patience patience{begin};
    for (const auto what : {For::nothing, For::command}) {
        patience.wait(what, begin + 99s);
        patience.command_answered(begin + 99s);
        CHECK_FALSE(patience.exceeded(settings(), begin + 99s));
        CHECK((patience.exceeded(settings(), begin + 100s) == TimeLimit::login));
    }
    patience.logged_in();
    CHECK_FALSE(patience.exceeded(settings(), begin + 100s));

    SECTION("and again in time after the login has ended")
    {
        patience.logged_out(begin + 500s);
        patience.wait(For::command, begin + 590s);
        CHECK_FALSE(patience.exceeded(settings(), begin + 599s));
        CHECK((patience.exceeded(settings(), begin + 600s) == TimeLimit::login));
    }
    SECTION("logging out without a login gives no more time")
    {
        Patience stranger{begin};
        stranger.logged_out(begin + 99s);
        CHECK((stranger.exceeded(settings(), begin + 100s) == TimeLimit::login));
    }
}

TEST_CASE("a handshake has a bound of its own")
{
    Patience patience{begin};
    patience.wait(For::handshake, begin + 5s);
    patience.client_took_something(begin + 14s); // of the reply to AUTH TLS
    CHECK_FALSE(patience.exceeded(settings(), begin + 14s));
    CHECK((patience.exceeded(settings(), begin + 15s) == TimeLimit::tls));
    patience.wait(For::nothing, begin + 15s);
    CHECK_FALSE(patience.exceeded(settings(), begin + 15s));
}

TEST_CASE("a session is idle without commands, not without bytes")
{
    Patience patience{begin};
    patience.logged_in();
    patience.command_answered(begin);
    for (auto now = begin; now < begin + 50s; now += 5s) {
        patience.wait(For::command, now); // bytes came, and no line end among them
        CHECK_FALSE(patience.exceeded(settings(), now));
    }
    CHECK((patience.exceeded(settings(), begin + 50s) == TimeLimit::idle));
    patience.command_answered(begin + 50s);
    CHECK_FALSE(patience.exceeded(settings(), begin + 99s));
}

TEST_CASE("a session is not idle while the server is at work for it")
{
    Patience patience{begin};
    patience.logged_in();
    patience.wait(For::nothing, begin);
    CHECK_FALSE(patience.exceeded(settings(), begin + 1000s));
}

TEST_CASE("a client may take its replies slowly, but not stop taking them")
{
    Patience patience{begin};
    patience.logged_in();
    patience.wait(For::taking, begin);
    for (auto now = begin; now < begin + 200s; now += 19s) {
        CHECK_FALSE(patience.exceeded(settings(), now));
        patience.client_took_something(now);
    }
    patience.client_took_something(begin + 200s);
    CHECK((patience.exceeded(settings(), begin + 220s) == TimeLimit::write));
}

TEST_CASE("a connection that ends is waited for shortly")
{
    Patience patience{begin};
    patience.logged_in();
    SECTION("to read its last reply")
    {
        patience.wait(For::last_reading, begin);
    }
    SECTION("whatever it is doing")
    {
        patience.hurry(begin);
        patience.wait(For::taking, begin + 1s);
        patience.client_took_something(begin + 1s);
        patience.hurry(begin + 1s);
    }
    CHECK_FALSE(patience.exceeded(settings(), begin + 1s));
    CHECK((patience.exceeded(settings(), begin + 2s) == TimeLimit::last_words));
}

TEST_CASE("time limits are called what their settings are called")
{
    std::size_t found = 0;
    for (const auto& setting : setting_descriptions())
        for (const auto limit : {TimeLimit::login, TimeLimit::tls, TimeLimit::idle, TimeLimit::write})
            if (setting.name == setting_name(limit)) ++found;
    CHECK(found == 4);
}
