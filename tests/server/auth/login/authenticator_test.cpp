#include "server/auth/login/authenticator.hpp"

#include "server/auth/memory_user_store.hpp"
#include "server/auth/session_keys_at_once.hpp"
#include "shared/protocol/session_key.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <memory>
#include <set>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;
using ipc::LoginStatus;
using test::cheap;

namespace {

constexpr ScryptCost dearer{.ln = 11, .r = 8, .p = 1};

struct Fixture {
    test::MemoryUserStore users;
    std::shared_ptr<const Pepper> no_pepper = std::make_shared<const Pepper>();
    std::shared_ptr<const Pepper> pepper = std::make_shared<const Pepper>(secret_text(std::string(32, 'p')));

    Authenticator authenticator(ScryptCost cost = cheap) const { return {users, cost, no_pepper}; }

    Decision log_in(const Authenticator& with, const std::string& name, PasswordProof proof) const
    {
        PasswordCheck check = with.prepare(name, std::move(proof));
        verify_proof(check);
        return with.decide(check);
    }
    Decision log_in(const std::string& name, const std::string& password) const
    {
        return log_in(authenticator(), name, secret_text(password));
    }
};

struct SessionFixture : Fixture {
    test::TemporaryDirectory data;
    std::uint64_t now = 1000;
    test::SessionKeysAtOnce keys{data.fd(), [this] { return now; }};
    SessionKeyPair pair = make_session_key_pair();
    ChannelBinding binding{1, 2, 3};

    ipc::LogInWithSessionKey request(const SessionKey& key, const std::string& user)
    {
        return {.user = user,
                .session = key.id,
                .binding = binding,
                .signature = sign_session(pair.private_key, binding, key.id, user)};
    }
    SessionKey enrol(const std::string& name)
    {
        return keys.enrol(*users.find(name), pair.public_key, 60s).value();
    }
};

} // namespace

TEST_CASE_METHOD(Fixture, "a user logs in with the password, or with its prehash")
{
    users.add("alice", "secret");
    const Decision by_password = log_in("alice", "secret");
    CHECK(by_password.status == LoginStatus::granted);
    CHECK(by_password.user->home == "alice");
    CHECK(by_password.reason.empty());
    const Decision by_prehash = log_in(authenticator(), "alice", prehash("secret", users.realm(), "alice"));
    CHECK(by_prehash.status == LoginStatus::granted);
}

TEST_CASE_METHOD(
    Fixture,
    "a wrong password, an unknown name and a locked user are refused alike, with the reason for the log")
{
    users.add("alice", "secret");
    users.add("bob", "secret").locked = true;
    for (const Decision& refused :
         {log_in("alice", "Secret"), log_in("unknown", "secret"), log_in("bob", "secret")}) {
        CHECK(refused.status == LoginStatus::refused);
        CHECK_FALSE(refused.user);
    }
    CHECK(log_in("alice", "Secret").reason == "wrong password");
    CHECK(log_in("unknown", "secret").reason == "no such user");
    CHECK(log_in("bob", "secret").reason == "the user is locked");
    CHECK(log_in("bob", "wrong").reason == "wrong password");
}

TEST_CASE_METHOD(Fixture, "nobody logs in if there are no users")
{
    CHECK(log_in("alice", "").status == LoginStatus::refused);
    const PasswordCheck check = authenticator(dearer).prepare("alice", secret_text("x"));
    CHECK(check.stored.cost == dearer);
}

TEST_CASE_METHOD(
    Fixture,
    "an unknown name is checked at the cost of some user, always the same, different for other names")
{
    users.add("new", "x", dearer);
    users.add("old", "x", cheap);
    const Authenticator with = authenticator({.ln = 15, .r = 8, .p = 3});
    std::set<unsigned> costs;
    for (int i = 0; i < 32; ++i) {
        const std::string name = "unknown" + std::to_string(i);
        const PasswordCheck first = with.prepare(name, Prehash{});
        const PasswordCheck second = with.prepare(name, Prehash{});
        CHECK_FALSE(first.found);
        CHECK(first.stored.cost == second.stored.cost);
        costs.insert(first.stored.cost.ln);
    }
    CHECK(costs == std::set<unsigned>{10, 11});
}

TEST_CASE_METHOD(Fixture, "a known user is checked at the cost of the stored hash, under any settings")
{
    users.add("alice", "x", cheap);
    CHECK(authenticator(dearer).prepare("alice", Prehash{}).stored.cost == cheap);
}

TEST_CASE_METHOD(Fixture, "a user who is changed, locked or deleted while the password is checked is refused")
{
    User& alice = users.add("alice", "secret");
    const Authenticator with = authenticator();
    PasswordCheck check = with.prepare("alice", secret_text("secret"));
    verify_proof(check);
    REQUIRE(with.decide(check).status == LoginStatus::granted);
    SECTION("changed")
    {
        alice.generation += 1;
    }
    SECTION("locked")
    {
        alice.locked = true;
    }
    SECTION("deleted")
    {
        users.remove("alice");
    }
    CHECK(with.decide(check).status == LoginStatus::refused);
}

TEST_CASE_METHOD(Fixture, "a login that was not checked, or could not be, is never granted")
{
    users.add("alice", "secret");
    PasswordCheck check = authenticator().prepare("alice", secret_text("secret"));
    CHECK(authenticator().decide(check).status == LoginStatus::busy);
    check.outcome = PasswordCheck::Outcome::failed;
    CHECK(authenticator().decide(check).status == LoginStatus::busy);
}

TEST_CASE_METHOD(Fixture, "a hash of another cost is renewed after a good login, and good for the next")
{
    User& alice = users.add("alice", "secret");
    const Authenticator with = authenticator(dearer);
    PasswordCheck check = with.prepare("alice", secret_text("secret"));
    verify_proof(check);
    const auto renewed = renewed_hash(check);
    REQUIRE(renewed);
    CHECK(parse_password_hash(*renewed)->cost == dearer);
    alice.password_hash = *renewed;
    PasswordCheck next = with.prepare("alice", secret_text("secret"));
    verify_proof(next);
    CHECK(with.decide(next).status == LoginStatus::granted);
    CHECK_FALSE(renewed_hash(next));
}

TEST_CASE_METHOD(Fixture, "a hash is renewed when a pepper has been configured since")
{
    users.add("alice", "secret");
    const Authenticator with{users, cheap, pepper};
    PasswordCheck check = with.prepare("alice", secret_text("secret"));
    verify_proof(check);
    CHECK(with.decide(check).status == LoginStatus::granted);
    const auto renewed = renewed_hash(check);
    REQUIRE(renewed);
    CHECK(parse_password_hash(*renewed)->pepper == pepper->id());
}

TEST_CASE_METHOD(Fixture, "a hash with a pepper that is not there refuses the login and says why in the log")
{
    users.add("alice", "secret", cheap, *pepper);
    CHECK(log_in("alice", "secret").reason == "the stored hash needs another pepper");
    CHECK(log_in(Authenticator{users, cheap, pepper}, "alice", secret_text("secret")).status ==
          LoginStatus::granted);
}

TEST_CASE_METHOD(Fixture, "no hash is renewed after a wrong password or for a locked user")
{
    users.add("alice", "secret");
    const Authenticator with = authenticator(dearer);
    PasswordCheck wrong = with.prepare("alice", secret_text("wrong"));
    verify_proof(wrong);
    CHECK_FALSE(renewed_hash(wrong));
    users.add("bob", "secret").locked = true;
    PasswordCheck locked = with.prepare("bob", secret_text("secret"));
    verify_proof(locked);
    CHECK_FALSE(renewed_hash(locked));
}

TEST_CASE_METHOD(SessionFixture, "a session key logs its user in until it expires")
{
    users.add("alice", "x");
    const SessionKey key = enrol("alice");
    CHECK(authenticator().decide(request(key, "alice"), keys).status == LoginStatus::granted);
    now = key.expires;
    CHECK(authenticator().decide(request(key, "alice"), keys).reason == "the session key has expired");
}

TEST_CASE_METHOD(SessionFixture, "a session key is good for its own user and connection only")
{
    users.add("alice", "x");
    users.add("bob", "x");
    const SessionKey key = enrol("alice");
    CHECK(authenticator().decide(request(key, "bob"), keys).reason == "the session key is another user's");
    auto replayed = request(key, "alice");
    replayed.binding[0] ^= 1;
    CHECK(authenticator().decide(replayed, keys).reason == "wrong signature");
    auto unknown = request(key, "alice");
    unknown.session[0] ^= 1;
    CHECK(authenticator().decide(unknown, keys).status == LoginStatus::refused);
}

TEST_CASE_METHOD(SessionFixture, "a session key ends with a change of its user")
{
    User& alice = users.add("alice", "x");
    const SessionKey key = enrol("alice");
    REQUIRE(authenticator().decide(request(key, "alice"), keys).status == LoginStatus::granted);
    SECTION("another generation")
    {
        alice.generation += 1;
    }
    SECTION("locked")
    {
        alice.locked = true;
    }
    SECTION("deleted")
    {
        users.remove("alice");
    }
    CHECK(authenticator().decide(request(key, "alice"), keys).status == LoginStatus::refused);
}
