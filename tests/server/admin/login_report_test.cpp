#include "server/admin/login_report.hpp"

#include "support/catch.hpp"

#include <algorithm>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr ipc::PeerAddress home{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
constexpr ipc::PeerAddress other{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 8};

struct Report {
    LoginFacts facts{.name = "alice",
                     .flags = " --config /etc/ftpcd.conf",
                     .user = User{},
                     .password_problem = {},
                     .home_problem = {},
                     .saved = {},
                     .session_keys = {},
                     .now = Moment{1000s}};

    Report()
    {
        facts.user->name = "alice";
        facts.user->generation = 1;
    }
    bool can_log_in() const { return login_report(facts).can_log_in; }
    std::string text() const
    {
        std::string all;
        for (const std::string& line : login_report(facts).lines)
            all += line + "\n";
        return all;
    }
    bool says(const std::string& words) const { return text().find(words) != std::string::npos; }
};

} // namespace

TEST_CASE_METHOD(Report, "nothing stands in the way of a user with nothing against it")
{
    CHECK(can_log_in());
    CHECK(text() == "alice can log in, as far as is known\n  no good login is remembered\n");
}

TEST_CASE_METHOD(Report, "a user who does not exist, is locked, or lacks a home or a good hash cannot log in")
{
    SECTION("no such user")
    {
        facts.user.reset();
        CHECK(says("there is no such user; add it with: ftpcd user add alice"));
    }
    SECTION("locked")
    {
        facts.user->locked = true;
        CHECK(says("alice cannot log in: the user is locked; unlock with: ftpcd user unlock alice --config "
                   "/etc/ftpcd.conf"));
    }
    SECTION("hash")
    {
        facts.password_problem = "unreadable hash";
        CHECK(says("cannot log in: unreadable hash"));
    }
    SECTION("home")
    {
        facts.home_problem = "no home";
        CHECK(says("cannot log in: no home"));
    }
    CHECK_FALSE(can_log_in());
}

TEST_CASE_METHOD(Report, "wrong passwords are told, with when and from where, and do not stand in the way")
{
    UserLogins& logins = facts.saved.users["alice"];
    logins.good = LoginFrom{100, home, "prehash"};
    logins.failed = {{{900, other, "password"}, 3, "wrong password"}};
    CHECK(can_log_in());
    CHECK(says("last good login 1970-01-01T00:01:40Z from 192.0.2.7 by prehash"));
    CHECK(says("failed 1970-01-01T00:15:00Z from 192.0.2.8 by password: wrong password (3 times)"));
}

TEST_CASE_METHOD(Report, "a limited address stands in the way if it is one of the user's own")
{
    facts.saved.limiter.addresses = {{home, Moment{5000s}, Moment{1060s}}};
    CHECK(can_log_in());
    CHECK_FALSE(says("by password from"));
    UserLogins& logins = facts.saved.users["alice"];
    logins.failed = {{{900, home, "password"}, 11, "wrong password"}};
    SECTION("a user who never logged in anywhere, and failed there")
    {
        CHECK_FALSE(can_log_in());
    }
    SECTION("a user who logs in from there")
    {
        logins.known = {{home, 100}};
        CHECK_FALSE(can_log_in());
    }
    SECTION("a user who logs in from elsewhere")
    {
        logins.known = {{other, 100}};
        CHECK(can_log_in());
    }
    CHECK(says(
        "by password from 192.0.2.7 until 1970-01-01T00:17:40Z: too many logins from there have failed"));
    facts.limits_addresses = false;
    CHECK(can_log_in());
    CHECK_FALSE(says("by password from"));
    facts.limits_addresses = true;
    facts.now = Moment{1060s};
    CHECK(can_log_in());
    CHECK_FALSE(says("by password from"));
}

TEST_CASE_METHOD(Report, "an account that is slowed is told")
{
    facts.saved.limiter.accounts = {{account_key("alice"), Moment{5000s}, Moment{2000s}}};
    CHECK(can_log_in());
    CHECK(says("slowed until 1970-01-01T00:33:20Z"));
    facts.limits_accounts = false;
    CHECK_FALSE(says("slowed"));
    facts.limits_accounts = true;
    facts.saved.limiter.accounts[0].key = account_key("bob");
    CHECK_FALSE(says("slowed"));
}

TEST_CASE_METHOD(Report, "each session key is told, and whether it is good")
{
    facts.session_keys.resize(3);
    for (SessionKey& key : facts.session_keys) {
        key.generation = 1;
        key.expires = 2000;
    }
    facts.session_keys[0].expires = 1000;
    facts.session_keys[1].generation = 0;
    CHECK(can_log_in());
    CHECK(says(" expired at 1970-01-01T00:16:40Z; the user logs in with the password again"));
    CHECK(says(" is from before the last change of the user"));
    CHECK(says(" is good until 1970-01-01T00:33:20Z"));
}

TEST_CASE_METHOD(
    Report, "a session key is told with the end that session-ttl gives it, and one of the future as such")
{
    facts.session_ttl = 600s;
    facts.session_keys.resize(2);
    for (SessionKey& key : facts.session_keys) {
        key.generation = 1;
        key.expires = 2000000;
    }
    facts.session_keys[0].created = 900;
    facts.session_keys[1].created = 100000;
    CHECK(says(" is good until 1970-01-01T00:25:00Z"));
    CHECK(says(" was made at 1970-01-02T03:46:40Z, which is yet to come"));
    facts.session_keys[0].created = 400;
    CHECK(says(" expired at 1970-01-01T00:16:40Z"));
}

TEST_CASE("a time beyond every calendar is told as a number")
{
    CHECK(utc_time_text(~std::uint64_t{0}) == "18446744073709551615");
    CHECK(utc_time_text(0) == "1970-01-01T00:00:00Z");
}
