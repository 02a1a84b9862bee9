#include "server/auth/state/session_keys.hpp"

#include "server/auth/memory_user_store.hpp"
#include "server/auth/session_keys_at_once.hpp"
#include "shared/base/base64.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

User user(const std::string& name, std::uint64_t generation = 1)
{
    return {.name = name, .password_hash = {}, .home = name, .generation = generation, .max_dirs = {}};
}

SessionPublicKey public_key(std::uint8_t number)
{
    SessionPublicKey key;
    key.fill(number);
    return key;
}

struct Fixture {
    test::TemporaryDirectory data;
    std::uint64_t now = 1000;
    std::uint64_t steady = 77;

    // As after a start.
    struct Opened : test::SessionKeysAtOnce {
        explicit Opened(Fixture& fixture)
            : SessionKeysAtOnce{fixture.data.fd(), [&fixture] { return fixture.now; },
                                [&fixture] { return fixture.steady; }}
        {
            REQUIRE(load().problems.empty());
        }
    };
    Opened open() { return Opened{*this}; }

    std::vector<std::string> lines() const
    {
        std::istringstream text{data.read("sessions.db")};
        std::vector<std::string> lines;
        for (std::string line; std::getline(text, line);)
            if (!line.starts_with("#")) lines.push_back(line);
        return lines;
    }
    ino_t inode() const
    {
        struct stat status {};
        REQUIRE(::fstatat(data.fd(), "sessions.db", &status, 0) == 0);
        return status.st_ino;
    }
    void add(const std::string& text) const
    {
        const UniqueFd file{::openat(data.fd(), "sessions.db", O_WRONLY | O_APPEND | O_CLOEXEC)};
        REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
};

// A directory that nothing can be written to, not even by root.
UniqueFd unwritable_directory()
{
    return UniqueFd{::open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

} // namespace

TEST_CASE_METHOD(Fixture, "an enrolled session key is found, also after a restart")
{
    auto keys = open();
    const SessionKey made = keys.enrol(user("alice", 7), public_key(1), 60s).value();
    CHECK(made.created == 1000);
    CHECK(made.expires == 1060);
    CHECK(made.generation == 7);
    CHECK(keys.find(made.id) == made);
    CHECK(open().find(made.id) == made);
}

TEST_CASE_METHOD(Fixture, "sessions.db is private, and has nothing beside it")
{
    auto keys = open();
    REQUIRE(keys.enrol(user("alice"), public_key(1), 60s));
    REQUIRE(keys.enrol(user("alice"), public_key(2), 60s));
    struct stat status {};
    REQUIRE(::fstatat(data.fd(), "sessions.db", &status, 0) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(data.names() == std::vector<std::string>{"sessions.db"});
}

TEST_CASE_METHOD(Fixture, "a change appends one line, however many keys there are")
{
    auto keys = open();
    const SessionKey first = keys.enrol(user("bob"), public_key(0), 1h).value();
    const ino_t file = inode();
    std::vector<SessionKey> made;
    for (std::uint8_t i = 0; i < 33; ++i) {
        const auto before = data.read("sessions.db");
        made.push_back(keys.enrol(user("alice"), public_key(i), 1h).value());
        const auto replaced = i < 32 ? std::nullopt : std::optional{made[0].id};
        CHECK(data.read("sessions.db") == before + session_key_line(made.back(), replaced));
    }
    const auto before = data.read("sessions.db");
    REQUIRE(keys.end("bob", first.id).value() == KeyEnd::ended);
    CHECK(data.read("sessions.db") == before + session_key_end_line(first.id));
    CHECK(inode() == file);
    auto again = open();
    made.erase(made.begin());
    CHECK(again.list("alice") == made);
    CHECK(again.size() == 32);
    REQUIRE(again.enrol(user("bob"), public_key(1), 1h));
    CHECK(inode() == file);
}

TEST_CASE_METHOD(Fixture, "changes that come together are carried out in their order, with one write")
{
    auto keys = open();
    const SessionKey old = keys.enrol(user("alice"), public_key(1), 1h).value();
    std::vector<SessionKey> made;
    std::vector<KeyEnd> ended;
    std::vector<KeyChange> changes;
    const auto keep = [&](const Result<SessionKey>& key) { made.push_back(key.value()); };
    for (std::uint8_t i = 0; i < 33; ++i)
        changes.emplace_back(KeyEnrolment{user("carol"), public_key(i), 1h, keep});
    changes.emplace_back(KeyEnrolment{user("alice"), public_key(2), 1h, keep});
    for (int i = 0; i < 2; ++i)
        changes.emplace_back(KeyRemoval{"alice", old.id, [&](auto end) { ended.push_back(end.value()); }});
    keys.carry_out(changes);
    REQUIRE(made.size() == 34);
    CHECK(ended == std::vector<KeyEnd>{KeyEnd::ended, KeyEnd::no_such_key});
    for (const auto& list : {keys.list("carol"), open().list("carol")})
        CHECK(list == std::vector<SessionKey>(made.begin() + 1, made.begin() + 33));
    for (const auto& list : {keys.list("alice"), open().list("alice")})
        CHECK(list == std::vector<SessionKey>{made[33]});
}

TEST_CASE_METHOD(Fixture, "a change that was broken off costs nothing that was there, nor what comes after")
{
    const SessionKey first = open().enrol(user("alice"), public_key(1), 1h).value();
    const std::string whole = data.read("sessions.db");
    for (const std::string& part :
         {std::string{"0"}, session_key_line(first).substr(0, 100), std::string(9, '\0')}) {
        data.write("sessions.db", whole + part);
        auto keys = open();
        CHECK(keys.list("alice") == std::vector<SessionKey>{first});
        const SessionKey next = keys.enrol(user("bob"), public_key(2), 1h).value();
        CHECK(open().find(next.id) == next);
        CHECK(open().find(first.id) == first);
    }
}

TEST_CASE_METHOD(Fixture, "a file that is not the one that was left is replaced, not appended to")
{
    auto keys = open();
    std::vector<SessionKey> made{keys.enrol(user("alice"), public_key(0), 1h).value()};
    const auto old = data.read("sessions.db");
    const auto path = data.path("sessions.db");
    const auto enrol_and_check = [&](const char* after) {
        INFO(after);
        made.push_back(keys.enrol(user("alice"), public_key(0), 1h).value());
        CHECK(open().list("alice") == made);
        const ino_t file = inode();
        made.push_back(keys.enrol(user("alice"), public_key(0), 1h).value());
        CHECK(open().list("alice") == made);
        CHECK(inode() == file); // and then appended to again
    };
    add("half of somebody's line");
    enrol_and_check("added to");
    REQUIRE(::rename(path.c_str(), data.path("old").c_str()) == 0);
    enrol_and_check("renamed");
    CHECK(data.read("old").find(hex_encode(made.back().id)) == std::string::npos);
    REQUIRE(::unlink(path.c_str()) == 0);
    enrol_and_check("removed");
    data.write("other", old);
    REQUIRE(::rename(data.path("other").c_str(), path.c_str()) == 0);
    enrol_and_check("put back");
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
    enrol_and_check("opened to others");
    REQUIRE(::truncate(path.c_str(), 10) == 0);
    enrol_and_check("cut");
    REQUIRE(::link(path.c_str(), data.path("backup").c_str()) == 0);
    const auto backup = data.read("backup");
    enrol_and_check("linked");
    CHECK(data.read("backup") == backup);
}

TEST_CASE_METHOD(Fixture,
                 "a file of which most lines say nothing any more is written anew, with all that hold")
{
    auto keys = open();
    std::vector<SessionKey> made;
    for (std::uint8_t i = 0; i < 10; ++i)
        made.push_back(keys.enrol(user("bob"), public_key(i), 1h).value());
    std::size_t most = 0;
    for (int i = 0; i < 2000; ++i) {
        const SessionKey key = keys.enrol(user("alice"), public_key(0), 1h).value();
        if (i % 2 == 0) REQUIRE(keys.end("alice", key.id).value() == KeyEnd::ended);
        keys.compact_if_worthwhile();
        if (i % 100 == 0) most = std::max(most, lines().size());
    }
    CHECK(most > 200); // it is not done all the time
    CHECK(most < 1200);
    CHECK(open().list("bob") == made);
    CHECK(open().list("alice") == keys.list("alice"));
    CHECK(data.names() == std::vector<std::string>{"sessions.db"});
}

TEST_CASE_METHOD(Fixture, "lines that say nothing count also if they are from before a start")
{
    auto keys = open();
    const SessionKey kept = keys.enrol(user("bob"), public_key(1), 1h).value();
    for (int i = 0; i < 1100; ++i)
        add(session_key_end_line(SessionId{}));
    auto again = open();
    again.compact_if_worthwhile();
    CHECK(lines().size() == 1);
    CHECK(open().list("bob") == std::vector<SessionKey>{kept});
}

TEST_CASE_METHOD(Fixture, "a session key expires at its second")
{
    auto keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 60s).value();
    now = 1059;
    CHECK(keys.find(made.id).has_value());
    now = 1060;
    CHECK_FALSE(keys.find(made.id));
    CHECK(keys.list("alice").empty());
    CHECK(keys.end("alice", made.id).value() == KeyEnd::no_such_key);
}

TEST_CASE_METHOD(Fixture, "ending a session key is durable and only for its own user")
{
    auto keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 60s).value();
    CHECK(keys.end("bob", made.id).value() == KeyEnd::no_such_key);
    CHECK(keys.find(made.id).has_value());
    CHECK(keys.end("alice", made.id).value() == KeyEnd::ended);
    CHECK_FALSE(keys.find(made.id));
    CHECK(keys.end("alice", made.id).value() == KeyEnd::no_such_key);
    CHECK_FALSE(open().find(made.id));
}

TEST_CASE_METHOD(Fixture, "the thirty-third session key of a user ends the oldest, and nobody else's")
{
    auto keys = open();
    const SessionKey bobs = keys.enrol(user("bob"), public_key(0), 1h).value();
    std::vector<SessionKey> made;
    for (std::uint8_t i = 0; i < 33; ++i, ++now)
        made.push_back(keys.enrol(user("alice"), public_key(i), 1h).value());
    CHECK_FALSE(keys.find(made[0].id));
    made.erase(made.begin());
    CHECK(keys.list("alice") == made);
    CHECK(keys.list("bob") == std::vector<SessionKey>{bobs});

    auto again = open();
    CHECK(again.list("alice") == made);
    REQUIRE(again.enrol(user("alice"), public_key(99), 1h));
    CHECK_FALSE(again.find(made[0].id));
    CHECK(again.find(made[1].id).has_value());
}

TEST_CASE_METHOD(Fixture, "a key that is not good ends for a new one before any that is")
{
    auto keys = open();
    const SessionKey oldest = keys.enrol(user("alice"), public_key(0), 1h).value();
    const SessionKey expired = keys.enrol(user("alice"), public_key(1), 1s).value();
    const SessionKey other = keys.enrol(user("alice", 2), public_key(2), 1h).value();
    for (std::uint8_t i = 3; i < 32; ++i)
        REQUIRE(keys.enrol(user("alice"), public_key(i), 1h));
    ++now;
    REQUIRE(keys.enrol(user("alice"), public_key(100), 1h));
    CHECK_FALSE(keys.state(expired.id));
    REQUIRE(keys.enrol(user("alice"), public_key(101), 1h));
    CHECK_FALSE(keys.state(other.id));
    CHECK(keys.find(oldest.id).has_value());
    REQUIRE(keys.enrol(user("alice"), public_key(102), 1h));
    CHECK_FALSE(keys.state(oldest.id));
    CHECK(open().size() == 32);
}

TEST_CASE_METHOD(Fixture, "a clock that is ahead for a while costs no key, and makes none that outlives it")
{
    auto before = open();
    const SessionKey kept = before.enrol(user("alice"), public_key(1), 1h).value();
    now += 1000 * 86400;
    auto ahead = open();
    CHECK(ahead.state(kept.id) == KeyState::expired);
    const SessionKey of_the_future = ahead.enrol(user("alice"), public_key(2), 1h).value();
    CHECK(ahead.find(of_the_future.id).has_value());
    now -= 1000 * 86400;
    auto keys = open();
    CHECK(keys.find(kept.id) == kept);
    CHECK_FALSE(keys.find(of_the_future.id));
    CHECK(keys.state(of_the_future.id) == KeyState::from_the_future);
    CHECK(keys.list("alice") == std::vector<SessionKey>{kept});
    CHECK(keys.end("alice", of_the_future.id).value() == KeyEnd::ended);
    CHECK_FALSE(keys.state(of_the_future.id));
}

TEST_CASE_METHOD(Fixture, "session-ttl bounds existing keys, and their reported end")
{
    auto keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 1h).value();
    keys.set_ttl(60s);
    CHECK(keys.list("alice").at(0).expires == now + 60);
    now += 60;
    CHECK_FALSE(keys.find(made.id));
    keys.set_ttl(1h);
    CHECK(keys.find(made.id) == made);
}

TEST_CASE_METHOD(Fixture,
                 "keys that are not good are dropped by a clock that has long gone right, and no other")
{
    auto keys = open();
    const SessionKey expired = keys.enrol(user("alice"), public_key(1), 60s).value();
    now += 600;
    const SessionKey of_the_future = keys.enrol(user("bob"), public_key(2), 60s).value();
    now -= 600; // it was set right
    steady += 1;
    now += 1;
    REQUIRE(keys.enrol(user("carol"), public_key(3), 24h));
    now += 5 * 3600;
    steady += 5 * 3600;
    REQUIRE(keys.enrol(user("carol"), public_key(4), 24h));
    CHECK(keys.size() == 4);
    now += 3600;
    steady += 3600;
    REQUIRE(keys.enrol(user("carol"), public_key(5), 24h));
    CHECK_FALSE(keys.state(expired.id));
    CHECK_FALSE(keys.state(of_the_future.id));
    CHECK(keys.size() == 3);
    CHECK(open().size() == 3);
}

TEST_CASE("without a write no key is enrolled or ended, and the oldest is not ended for a new one")
{
    const test::TemporaryDirectory data;
    test::SessionKeysAtOnce keys{data.fd(), [] { return std::uint64_t{1}; }};
    std::vector<SessionKey> made;
    for (std::uint8_t i = 0; i < 32; ++i)
        made.push_back(keys.enrol(user("alice"), public_key(i), 1h).value());
    // The keys' directory becomes one that takes no files.
    const UniqueFd kept{::dup(data.fd())};
    REQUIRE(::dup3(unwritable_directory().get(), data.fd(), O_CLOEXEC) == data.fd());
    CHECK_FALSE(keys.enrol(user("alice"), public_key(99), 1h).has_value());
    CHECK(keys.list("alice") == made);
    CHECK_FALSE(keys.end("alice", made[5].id).has_value()); // a restart would bring it back
    CHECK(keys.list("alice") == made);

    REQUIRE(::dup3(kept.get(), data.fd(), O_CLOEXEC) == data.fd());
    CHECK(keys.end("alice", made[5].id).value() == KeyEnd::ended);
    CHECK(keys.enrol(user("alice"), public_key(99), 1h).has_value());
    SessionKeys again{data.fd(), [] { return std::uint64_t{1}; }};
    REQUIRE(again.load().problems.empty());
    CHECK_FALSE(again.find(made[5].id));
    CHECK(again.find(made[0].id).has_value());
}

TEST_CASE("a broken or open sessions.db is set aside, whole, and says what is wrong and where")
{
    const test::TemporaryDirectory data;
    std::uint64_t now = 1700000000;
    SessionKeys keys{data.fd(), [&now] { return now; }};
    data.write("sessions.db", "# fine\nnonsense\n");
    REQUIRE(::chmod(data.path("sessions.db").c_str(), 0600) == 0);
    const auto broken = keys.load();
    REQUIRE(broken.problems.size() == 1);
    CHECK(broken.problems[0].where == "sessions.db:2");
    CHECK(broken.set_aside == "sessions.db.broken-20231114T221320Z");
    CHECK(data.read(broken.set_aside) == "# fine\nnonsense\n");

    ++now;
    REQUIRE(::chmod(data.path("sessions.db").c_str(), 0644) == 0);
    const auto open = keys.load();
    CHECK_THAT(open.problems.at(0).what, test::contains("others can read or change it"));
    CHECK(open.set_aside == "sessions.db.broken-20231114T221321Z");
    CHECK(keys.size() == 0);
    CHECK(keys.load().problems.empty());
    CHECK(data.read("sessions.db").starts_with("# Session keys"));
}

TEST_CASE("the remains of a killed writer are removed when the session keys are read")
{
    const test::TemporaryDirectory data;
    data.write(".sessions.db.0123456789abcdef", "half");
    CHECK(SessionKeys{data.fd()}.load().problems.empty());
    CHECK(data.names().empty());
}
