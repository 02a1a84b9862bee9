#include "server/auth/state/session_keys.hpp"

#include "server/auth/memory_user_store.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
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

    SessionKeys open()
    {
        SessionKeys keys{data.fd(), [this] { return now; }, [this] { return steady; }};
        REQUIRE(keys.load().problems.empty());
        return keys;
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
    SessionKeys keys = open();
    const SessionKey made = keys.enrol(user("alice", 7), public_key(1), 60s).value();
    CHECK(made.created == 1000);
    CHECK(made.expires == 1060);
    CHECK(made.generation == 7);
    CHECK(*keys.find(made.id) == made);
    CHECK(*open().find(made.id) == made);
}

TEST_CASE_METHOD(Fixture, "sessions.db is private and replaced whole")
{
    SessionKeys keys = open();
    REQUIRE(keys.enrol(user("alice"), public_key(1), 60s));
    REQUIRE(keys.enrol(user("alice"), public_key(2), 60s));
    struct stat status {};
    REQUIRE(::fstatat(data.fd(), "sessions.db", &status, 0) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK(data.names() == std::vector<std::string>{"sessions.db"});
}

TEST_CASE_METHOD(Fixture, "a session key expires at its second")
{
    SessionKeys keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 60s).value();
    now = 1059;
    CHECK(keys.find(made.id) != nullptr);
    now = 1060;
    CHECK(keys.find(made.id) == nullptr);
    CHECK(keys.list("alice").empty());
    CHECK_FALSE(keys.end("alice", made.id).value());
}

TEST_CASE_METHOD(Fixture, "ending a session key is durable and only for its own user")
{
    SessionKeys keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 60s).value();
    CHECK_FALSE(keys.end("bob", made.id).value());
    CHECK(keys.find(made.id) != nullptr);
    CHECK(keys.end("alice", made.id).value());
    CHECK(keys.find(made.id) == nullptr);
    CHECK_FALSE(keys.end("alice", made.id).value());
    CHECK(open().find(made.id) == nullptr);
}

TEST_CASE_METHOD(Fixture, "the thirty-third session key of a user ends the oldest, and nobody else's")
{
    SessionKeys keys = open();
    const SessionKey bobs = keys.enrol(user("bob"), public_key(0), 1h).value();
    std::vector<SessionKey> made;
    for (std::uint8_t i = 0; i < 33; ++i, ++now)
        made.push_back(keys.enrol(user("alice"), public_key(i), 1h).value());
    CHECK(keys.find(made[0].id) == nullptr);
    made.erase(made.begin());
    CHECK(keys.list("alice") == made);
    CHECK(keys.list("bob") == std::vector<SessionKey>{bobs});

    SessionKeys again = open();
    CHECK(again.list("alice") == made);
    REQUIRE(again.enrol(user("alice"), public_key(99), 1h));
    CHECK(again.find(made[0].id) == nullptr);
    CHECK(again.find(made[1].id) != nullptr);
}

TEST_CASE_METHOD(Fixture, "a key that is not good ends for a new one before any that is")
{
    SessionKeys keys = open();
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
    CHECK(keys.find(oldest.id) != nullptr);
    REQUIRE(keys.enrol(user("alice"), public_key(102), 1h));
    CHECK_FALSE(keys.state(oldest.id));
    CHECK(open().size() == 32);
}

TEST_CASE_METHOD(Fixture, "a clock that is ahead for a while costs no key, and makes none that outlives it")
{
    SessionKeys before = open();
    const SessionKey kept = before.enrol(user("alice"), public_key(1), 1h).value();
    now += 1000 * 86400;
    SessionKeys ahead = open();
    CHECK(ahead.state(kept.id) == KeyState::expired);
    const SessionKey of_the_future = ahead.enrol(user("alice"), public_key(2), 1h).value();
    CHECK(ahead.find(of_the_future.id) != nullptr);
    now -= 1000 * 86400;
    SessionKeys keys = open();
    CHECK(*keys.find(kept.id) == kept);
    CHECK(keys.find(of_the_future.id) == nullptr);
    CHECK(keys.state(of_the_future.id) == KeyState::from_the_future);
    CHECK(keys.list("alice") == std::vector<SessionKey>{kept});
    CHECK(keys.end("alice", of_the_future.id).value());
    CHECK_FALSE(keys.state(of_the_future.id));
}

TEST_CASE_METHOD(Fixture, "session-ttl bounds existing keys, and their reported end")
{
    SessionKeys keys = open();
    const SessionKey made = keys.enrol(user("alice"), public_key(1), 1h).value();
    keys.set_ttl(60s);
    CHECK(keys.list("alice").at(0).expires == now + 60);
    now += 60;
    CHECK(keys.find(made.id) == nullptr);
    keys.set_ttl(1h);
    CHECK(*keys.find(made.id) == made);
}

TEST_CASE_METHOD(Fixture,
                 "keys that are not good are dropped by a clock that has long gone right, and no other")
{
    SessionKeys keys = open();
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
    SessionKeys keys{data.fd(), [] { return std::uint64_t{1}; }};
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
    CHECK(keys.end("alice", made[5].id).value());
    CHECK(keys.enrol(user("alice"), public_key(99), 1h).has_value());
    SessionKeys again{data.fd(), [] { return std::uint64_t{1}; }};
    REQUIRE(again.load().problems.empty());
    CHECK(again.find(made[5].id) == nullptr);
    CHECK(again.find(made[0].id) != nullptr);
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
