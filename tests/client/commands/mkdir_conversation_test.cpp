#include "client/commands/mkdir_conversation.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::client;

using State = PathOutcome::State;

TEST_CASE("each path becomes one command with its absolute form")
{
    MkdirConversation plain{false};
    CHECK(*plain.add("inbox") == "MKD /inbox");
    CHECK(*plain.add("/a//b/../c/") == "MKD /a/c");
    CHECK(*plain.add(" with space ") == "MKD / with space ");
    MkdirConversation parents{true};
    CHECK(*parents.add("资料/图片") == "SITE MKDIR /资料/图片");
}

TEST_CASE("a path that cannot be sent fails by itself and expects no reply")
{
    MkdirConversation conversation{false};
    CHECK(conversation.add("").error() == Errc::bad_argument);
    CHECK(conversation.add("a\r\nDELE b").error() == Errc::control_character);
    CHECK(conversation.add("\xff").error() == Errc::not_utf8);
    CHECK(conversation.add(std::string(256, 'x')).error() == Errc::name_too_long);
    CHECK(conversation.unanswered() == 0);
}

TEST_CASE("a path of so many quotes that its answer would not fit into a line is not sent")
{
    std::string path;
    while (path.size() < 4000)
        path += "/" + std::string(249, '"');
    CHECK(MkdirConversation{false}.add(path));
    path += "/" + std::string(95, '"');
    REQUIRE(path.size() <= 4096);
    CHECK_FALSE(MkdirConversation{false}.add(path));
}

TEST_CASE("replies are matched with paths in order")
{
    MkdirConversation conversation{false};
    for (const char* path : {"a", "b/c", "d"})
        REQUIRE(conversation.add(path));
    const auto made = conversation.on_reply({257, "\"/a\" created."});
    CHECK(made.state == State::made);
    CHECK(made.path == "/a");
    const auto failed = conversation.on_reply({550, "File exists"});
    CHECK(failed.state == State::failed);
    CHECK(failed.path == "b/c");
    CHECK(failed.reason == "File exists");
    CHECK(failed.code == 550);
    const auto existing = conversation.on_reply({521, "\"/d\" is already there."});
    CHECK(existing.state == State::failed);
    CHECK(existing.reason == "already exists");
    CHECK(conversation.unanswered() == 0);
    CHECK(conversation.unanswered_bytes() == 0);
    CHECK(conversation.answered() == 3);
}

TEST_CASE("with parents a path that is there already is no failure")
{
    MkdirConversation conversation{true};
    REQUIRE(conversation.add("a/b"));
    const auto existed = conversation.on_reply({250, "It was there."});
    CHECK(existed.state == State::existed);
    CHECK(existed.path == "/a/b");
}

TEST_CASE("without parents 250 breaks the protocol, and counts as a failure")
{
    MkdirConversation conversation{false};
    REQUIRE(conversation.add("a"));
    CHECK(conversation.on_reply({250, "fine"}).state == State::failed);
}

TEST_CASE("a server's words cannot harm the terminal")
{
    MkdirConversation conversation{false};
    REQUIRE(conversation.add("a"));
    CHECK(conversation.on_reply({550, "no\x1b[2J\nway"}).reason == "no\\x1b[2J way");
}

TEST_CASE("a server that names another directory than was asked for has failed, and its words cannot mislead")
{
    MkdirConversation conversation{true};
    REQUIRE(conversation.add("inbox"));
    const auto other = conversation.on_reply({257, "\"/etc/\xE2\x80\xAE\" created."});
    CHECK(other.state == State::failed);
    CHECK(other.path == "inbox");
    CHECK(other.reason ==
          "the server says that it made another directory: \"/etc/\\xe2\\x80\\xae\" created.");
    REQUIRE(conversation.add("a//b"));
    CHECK(conversation.on_reply({257, "\"/a/b\""}).state == State::made);
}

TEST_CASE("paths without a reply are given out as unknown")
{
    MkdirConversation conversation{false};
    for (const char* path : {"a", "b", "c"})
        REQUIRE(conversation.add(path));
    CHECK(conversation.on_reply({257, "\"/a\""}).state == State::made);
    CHECK(conversation.next_unknown()->path == "b");
    const auto last = conversation.next_unknown();
    CHECK(last->state == State::unknown);
    CHECK(last->path == "c");
    CHECK_FALSE(conversation.next_unknown());
}
