#include "server/auth/state/login_history.hpp"

#include "server/auth/memory_user_store.hpp"
#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::server;

namespace {

LoginFrom from(std::uint64_t time, std::uint8_t host)
{
    return {time, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, host}, "password"};
}

User user(const std::string& name, std::uint64_t generation = 1)
{
    User made;
    made.name = name;
    made.generation = generation;
    return made;
}

} // namespace

TEST_CASE("a user is known from where a login was good, until the password is another")
{
    LoginHistory history;
    history.failed("alice", from(1, 9), "wrong password");
    CHECK_FALSE(history.knows(user("alice"), from(1, 9).peer));
    history.succeeded(user("alice"), from(2, 1));
    CHECK(history.knows(user("alice"), from(0, 1).peer));
    CHECK_FALSE(history.knows(user("alice"), from(0, 2).peer));
    CHECK_FALSE(history.knows(user("bob"), from(0, 1).peer));
    CHECK_FALSE(history.knows(user("alice", 2), from(0, 1).peer));
    history.succeeded(user("alice", 2), from(3, 2));
    CHECK_FALSE(history.knows(user("alice", 2), from(0, 1).peer));
    CHECK(history.knows(user("alice", 2), from(0, 2).peer));
}

TEST_CASE("the latest eight networks are known")
{
    LoginHistory history;
    for (std::uint8_t host = 1; host <= 9; ++host)
        history.succeeded(user("alice"), from(host, host));
    CHECK_FALSE(history.knows(user("alice"), from(0, 1).peer));
    CHECK(history.knows(user("alice"), from(0, 2).peer));
    CHECK(history.users().at("alice").good == from(9, 9));
}

TEST_CASE("failures that are alike are counted, and the latest ten kinds kept")
{
    LoginHistory history;
    for (std::uint64_t time = 1; time <= 3; ++time)
        history.failed("alice", from(time, 1), "wrong password");
    history.failed("alice", from(4, 1), "the user is locked");
    const auto& failed = history.users().at("alice").failed;
    REQUIRE(failed.size() == 2);
    CHECK(failed[0] == FailedLogin{from(3, 1), 3, "wrong password"});
    CHECK(failed[1] == FailedLogin{from(4, 1), 1, "the user is locked"});
    for (std::uint8_t host = 10; host < 30; ++host)
        history.failed("alice", from(host, host), "wrong password");
    CHECK(history.users().at("alice").failed.size() == LoginHistory::max_failed);
    CHECK(history.users().at("alice").failed.back().last == from(29, 29));
}

TEST_CASE("guesses at many names drive out only users who never logged in")
{
    LoginHistory history;
    history.succeeded(user("alice"), from(1, 1));
    for (std::size_t i = 0; i < LoginHistory::max_users + 10; ++i)
        history.failed("user" + std::to_string(i), from(i + 2, 2), "wrong password");
    CHECK(history.users().size() == LoginHistory::max_users);
    CHECK(history.knows(user("alice"), from(0, 1).peer));
}

TEST_CASE("a user who is gone is forgotten a month after the last login, and not before")
{
    test::MemoryUserStore users;
    users.add("alice", "x");
    LoginHistory history;
    history.succeeded(user("alice"), from(1, 1));
    history.succeeded(user("gone"), from(1, 1));
    history.failed("gone", from(1000, 1), "wrong password");
    const Moment month_after{std::chrono::seconds{1000} + LoginHistory::kept_when_gone};
    CHECK_FALSE(history.forget_those_gone(users, month_after));
    CHECK(history.users().size() == 2);
    CHECK(history.forget_those_gone(users, month_after + std::chrono::seconds{1}));
    CHECK(history.users().size() == 1);
    CHECK(history.users().contains("alice"));
}

TEST_CASE("a login of a clock that was ahead does not keep its user for longer than the logins of today")
{
    LoginHistory history;
    history.succeeded(user("ahead"), from(1000000, 1));
    for (std::uint64_t i = 1; i < LoginHistory::max_users; ++i)
        history.succeeded(user("user" + std::to_string(i)), from(i, 1));
    for (std::uint64_t i = 0; i < LoginHistory::max_users; ++i)
        history.succeeded(user("new" + std::to_string(i)), from(10000 + i, 1));
    CHECK_FALSE(history.users().contains("ahead"));
}
