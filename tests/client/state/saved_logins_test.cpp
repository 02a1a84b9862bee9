#include "client/state/saved_logins.hpp"

#include "client/outcome.hpp"

#include <algorithm>

using namespace ftpc;
using namespace ftpc::client;

namespace {

const ServerAddress here{"here", 2121};
const ServerAddress there{"there", 21};

SavedLogin login(const ServerAddress& server, const std::string& user, std::uint8_t id,
                 std::int64_t expires = 1000)
{
    SavedSession session{{}, {}, expires};
    session.id.fill(id);
    session.private_key.fill(static_cast<std::uint8_t>(id + 1));
    return {server, user, session};
}

} // namespace

TEST_CASE("saved logins are read back as they were, the most recent first")
{
    SavedLogins logins;
    logins.put_first(login(here, "alice", 1));
    logins.put_first(login(there, "bob", 2, 4102444800));
    const auto again = SavedLogins::parse(logins.text());
    REQUIRE(again);
    const SavedLogin* first = again->most_recent();
    REQUIRE(first != nullptr);
    CHECK(first->server == there);
    CHECK(first->user == "bob");
    REQUIRE(first->session);
    CHECK(first->session->id == login(there, "bob", 2).session->id);
    CHECK(first->session->private_key == login(there, "bob", 2).session->private_key);
    CHECK(first->session->expires == 4102444800);
    CHECK(again->most_recent(here)->user == "alice");
    CHECK(again->text() == logins.text());
}

TEST_CASE("a login keeps those at other servers and of other users, and replaces its own")
{
    SavedLogins logins;
    logins.put_first(login(here, "alice", 1));
    logins.put_first(login(here, "bob", 2));
    logins.put_first(login(there, "alice", 3));
    logins.put_first(login(here, "alice", 4));
    CHECK(logins.most_recent()->session->id[0] == 4);
    CHECK(logins.find(here, "bob")->session->id[0] == 2);
    CHECK(logins.find(there, "alice")->session->id[0] == 3);
    CHECK(logins.find(there, "bob") == nullptr);
    const std::string text = logins.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 4); // three logins and the comment
}

TEST_CASE("after a logout user and server are still known, but no command can go on")
{
    SavedLogins logins;
    logins.put_first(login(there, "bob", 2));
    logins.put_first(login(here, "alice", 1));
    logins.end(here, "alice", login(here, "alice", 1).session->id);
    const auto again = SavedLogins::parse(logins.text());
    REQUIRE(again);
    CHECK(again->most_recent()->user == "alice");
    const auto active = active_login(*again, std::nullopt);
    REQUIRE(active.has_error()); // and not bob, elsewhere
    CHECK(active.error().status == ExitStatus::refused);
    CHECK(test::contains(active.error().message, "ftpc login alice@here"));
    CHECK(active_login(*again, there)->user == "bob");
}

TEST_CASE("ending one session leaves a newer one of the same user alone")
{
    SavedLogins logins;
    logins.put_first(login(here, "alice", 2));
    logins.end(here, "alice", login(here, "alice", 1).session->id);
    CHECK(logins.most_recent()->session);
}

TEST_CASE("a session that has expired by this clock is gone on with: the server judges")
{
    SavedLogins logins;
    logins.put_first(login(there, "alice", 1, 1000)); // in 1970
    const auto active = active_login(logins, std::nullopt);
    REQUIRE(active);
    CHECK(active->session.expires == 1000);
}

TEST_CASE("without any login the refusal says how to log in")
{
    const auto active = active_login(SavedLogins{}, std::nullopt);
    REQUIRE(active.has_error());
    CHECK(active.error().status == ExitStatus::refused);
    CHECK(test::contains(active.error().message, "ftpc login"));
    CHECK(test::contains(active_login(SavedLogins{}, here).error().message, "here:2121"));
    CHECK(test::contains(active_login(SavedLogins{}, there).error().message, "ftpc login USER@there:21"));
}

TEST_CASE("a broken line of the sessions file is named with its number")
{
    const std::string id(32, 'a');
    const std::string key(43, 'A');
    CHECK(SavedLogins::parse("# c\n\nh:1 alice " + id + " " + key + " 5\nh:2 bob - - -\n"));
    for (const char* line :
         {"h:1 Alice - - -", "h alice -", "h:x alice - - -", "h:1 alice - - 5", "h:1 alice zz - 5"}) {
        const auto logins = SavedLogins::parse(std::string{"# c\n"} + line + "\n");
        INFO(line);
        REQUIRE(logins.has_error());
        CHECK(test::contains(logins.error().message, "line 2: "));
    }
    CHECK(SavedLogins::parse("h:1 alice " + id + " " + key + " soon").has_error());
    CHECK(SavedLogins::parse("h:1 alice " + id + " " + key + " -5").has_error());
    CHECK(SavedLogins::parse("h:1 alice " + id + " " + key + "A 5").has_error());
    CHECK(SavedLogins::parse("h:1 alice " + id + "a " + key + " 5").has_error());
}

TEST_CASE("the argument for another login names the port only if it is not the usual one")
{
    CHECK(login_argument({"host", 2121}, "alice") == "alice@host");
    CHECK(login_argument({"host", 21}, "alice") == "alice@host:21");
    CHECK(login_argument({"::1", 2121}, "alice") == "alice@[::1]:2121");
}
