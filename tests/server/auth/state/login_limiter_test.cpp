#include "server/auth/state/login_limiter.hpp"

#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

ipc::PeerAddress ipv4(std::uint8_t last)
{
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, last};
}

ipc::PeerAddress ipv6(std::uint8_t network, std::uint8_t host)
{
    return {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host};
}

struct Limiter {
    Moment now{std::chrono::hours{24 * 365 * 50}};
    LoginLimiter limiter{{.address = 3, .account = 5, .forget = 600s}};

    void fail(const ipc::PeerAddress& peer, std::string_view account, int times = 1)
    {
        for (int i = 0; i < times; ++i)
            limiter.fail(peer, account, now);
    }
    LoginLimiter::Verdict judge(const ipc::PeerAddress& peer, std::string_view account, bool known = false)
    {
        return limiter.judge(peer, account, known, now);
    }
};

} // namespace

TEST_CASE_METHOD(Limiter, "an address that fails too often is refused at every account, longer each time")
{
    fail(ipv4(1), "alice", 3);
    CHECK(judge(ipv4(1), "alice").refused_for == 0s);
    CHECK(limiter.fail(ipv4(1), "bob", now).address);
    CHECK(judge(ipv4(1), "alice").refused_for == 60s);
    CHECK(judge(ipv4(1), "carol").refused_for == 60s);
    CHECK(judge(ipv4(2), "alice").refused_for == 0s);
    now += 60s;
    CHECK(judge(ipv4(1), "alice").refused_for == 0s);
    fail(ipv4(1), "alice");
    CHECK(judge(ipv4(1), "alice").refused_for == 120s);
    fail(ipv4(1), "alice", 100);
    CHECK(judge(ipv4(1), "alice").refused_for == 3600s);
    now += 24h;
    CHECK(judge(ipv4(1), "alice").refused_for == 0s);
    fail(ipv4(1), "alice", 3);
    CHECK(judge(ipv4(1), "alice").refused_for == 0s);
}

TEST_CASE_METHOD(Limiter, "the addresses of an IPv6 /64 fail together")
{
    for (std::uint8_t host = 1; host <= 4; ++host)
        fail(ipv6(1, host), "alice");
    CHECK(judge(ipv6(1, 99), "alice").refused_for == 60s);
    CHECK(judge(ipv6(2, 1), "alice").refused_for == 0s);
}

TEST_CASE_METHOD(Limiter, "an account under attack is slowed for new addresses and refuses nobody")
{
    const std::chrono::milliseconds expected[] = {0ms,    0ms,    0ms,    0ms,    0ms,
                                                  1000ms, 2000ms, 4000ms, 5000ms, 5000ms};
    std::uint8_t attacker = 10;
    for (const auto delay : expected) {
        fail(ipv4(attacker++), "alice");
        CHECK(judge(ipv4(1), "alice").delay == delay);
        CHECK(judge(ipv4(1), "alice").refused_for == 0s);
    }
    CHECK(judge(ipv4(1), "bob").delay == 0ms);
}

TEST_CASE_METHOD(
    Limiter, "an address that has logged in to an account before is neither slowed there nor behind others")
{
    for (std::uint8_t attacker = 10; attacker < 30; ++attacker)
        fail(ipv4(attacker), "alice");
    CHECK(judge(ipv4(1), "alice", true).delay == 0ms);
    CHECK(judge(ipv4(1), "alice", true).rank == 0);
    CHECK(judge(ipv4(1), "alice").rank == 1);
    CHECK(judge(ipv4(10), "alice").rank == 2);
}

TEST_CASE_METHOD(Limiter, "a name without a user is slowed as one with")
{
    for (std::uint8_t attacker = 10; attacker < 16; ++attacker)
        fail(ipv4(attacker), "nobody-at-all");
    CHECK(judge(ipv4(1), "nobody-at-all").delay == 1s);
}

TEST_CASE_METHOD(Limiter, "a good login takes back its own failures only")
{
    fail(ipv4(1), "victim", 3);
    fail(ipv4(1), "own");
    limiter.succeed(ipv4(1), "own", now);
    fail(ipv4(1), "victim");
    CHECK(judge(ipv4(1), "victim").refused_for > 0s);

    fail(ipv4(2), "bob", 3);
    limiter.succeed(ipv4(2), "bob", now);
    fail(ipv4(2), "bob", 3);
    CHECK(judge(ipv4(2), "bob").refused_for == 0s);
}

TEST_CASE_METHOD(Limiter, "wrong signatures count each time")
{
    const SessionId session{1};
    for (int i = 0; i < 3; ++i)
        limiter.fail_wrong_signature(ipv4(2), session, now);
    CHECK(judge(ipv4(2), "alice").refused_for == 0s);
    limiter.fail_wrong_signature(ipv4(2), session, now);
    CHECK(judge(ipv4(2), "alice").refused_for > 0s);
}

TEST_CASE_METHOD(Limiter, "a restart forgets no penalty")
{
    fail(ipv4(1), "alice", 5);
    for (std::uint8_t attacker = 10; attacker < 20; ++attacker)
        fail(ipv4(attacker), "alice");
    LoginLimiter anew{{.address = 3, .account = 5, .forget = 600s}};
    const auto state = limiter.save(now);
    anew.restore(state, now);
    CHECK(anew.refused_for(ipv4(1), now) == limiter.refused_for(ipv4(1), now));
    CHECK(anew.judge(ipv4(2), "alice", false, now).delay == 5s);
    CHECK(anew.save(now) == state);
    REQUIRE(state.accounts.size() == 1);
    // The end that is saved for an account is that of the delays.
    CHECK(anew.judge(ipv4(2), "alice", false, state.accounts[0].penalty_end - 1ms).delay > 0s);
    CHECK(anew.judge(ipv4(2), "alice", false, state.accounts[0].penalty_end).delay == 0s);
}

TEST_CASE_METHOD(Limiter, "an account that will not be slowed for ages has no delay to save")
{
    limiter.set_limits({.address = 3, .account = 1000000, .forget = 3600s});
    fail(ipv4(1), "alice");
    const auto state = limiter.save(now);
    REQUIRE(state.accounts.size() == 1);
    CHECK(state.accounts[0].penalty_end == Moment{});
}

TEST_CASE_METHOD(Limiter, "limits of 0 are none")
{
    limiter.set_limits({.address = 0, .account = 0, .forget = 600s});
    fail(ipv4(1), "alice", 100);
    CHECK(judge(ipv4(1), "alice").refused_for == 0s);
    CHECK(judge(ipv4(1), "alice").delay == 0s);
}
