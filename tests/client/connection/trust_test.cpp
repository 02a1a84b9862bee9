#include "client/connection/trust.hpp"

#include "client/outcome.hpp"

using namespace ftpc::client;
using ftpc::test::contains;

namespace {

const ServerAddress server{"host", 2121};
const std::string pin = "SHA256:" + std::string(43, 'A');
const std::string other_pin = "SHA256:" + std::string(42, 'B') + "A";
const KnownServer pinned{server, "realm-1", "2026-11-29", {Trust::Kind::pin, pin}};
const KnownServer by_ca{server, "realm-1", "2026-11-29", {Trust::Kind::ca, "/ca.pem"}};
const std::string where = "line 3 of /state/known_servers";

using Kind = TrustDecision::Kind;

Outcome<TrustDecision> decide(const PeerIdentity& peer, const TrustOptions& options, const KnownServer* known)
{
    return decide_trust(server, peer, options, known, where);
}

const PeerIdentity peer{pin, "self-signed certificate"};
const PeerIdentity other_server{other_pin, "self-signed certificate"};
const PeerIdentity vouched_for{other_pin, ""};

} // namespace

TEST_CASE("a known server with its key is trusted")
{
    CHECK(decide(peer, {}, &pinned)->kind == Kind::known);
}

TEST_CASE(
    "a changed key is a refusal that shows both keys, the line, and the command for a deliberate change")
{
    const auto decision = decide(other_server, {}, &pinned);
    REQUIRE(decision.has_error());
    CHECK(decision.error().status == ExitStatus::untrusted);
    for (const std::string& part : {pin, other_pin, where, std::string{"2026-11-29"}, "--pin " + other_pin})
        CHECK(contains(decision.error().message, part));
}

TEST_CASE("accept-new does not accept a changed key")
{
    CHECK(decide(other_server, {.accept_new = true, .pin = "", .ca_file = ""}, &pinned).has_error());
}

TEST_CASE("a certificate that an unrelated CA vouches for does not replace a pin")
{
    CHECK(decide(vouched_for, {}, &pinned).has_error());
}

TEST_CASE("a new server is asked about, or accepted by option and remembered by its key")
{
    CHECK(decide(peer, {}, nullptr)->kind == Kind::ask);
    const auto accepted = decide(peer, {.accept_new = true, .pin = "", .ca_file = ""}, nullptr);
    CHECK(accepted->kind == Kind::remember);
    CHECK(accepted->trust == Trust{Trust::Kind::pin, pin});
}

TEST_CASE("a pin given by the user decides alone, and is remembered if it is new")
{
    const TrustOptions options{.accept_new = false, .pin = pin, .ca_file = ""};
    CHECK(decide(peer, options, nullptr)->kind == Kind::remember);
    CHECK(decide(peer, options, &pinned)->kind == Kind::known);
    CHECK(decide(peer, options, &by_ca)->kind == Kind::remember);
    const auto mismatch = decide(other_server, options, nullptr);
    REQUIRE(mismatch.has_error());
    CHECK(mismatch.error().status == ExitStatus::untrusted);
    CHECK(decide(vouched_for, options, nullptr).has_error());
}

TEST_CASE("a CA file given by the user decides alone, and is remembered if it is new")
{
    const TrustOptions options{.accept_new = true, .pin = "", .ca_file = "/ca.pem"};
    const auto decision = decide(vouched_for, options, nullptr);
    CHECK(decision->kind == Kind::remember);
    CHECK(decision->trust == Trust{Trust::Kind::ca, "/ca.pem"});
    CHECK(decide(vouched_for, options, &by_ca)->kind == Kind::known);
    const auto refused = decide(peer, options, nullptr);
    REQUIRE(refused.has_error());
    CHECK(contains(refused.error().message, "self-signed certificate"));
}

TEST_CASE("a server remembered by its CA may have any key that the CA vouches for, and no other")
{
    CHECK(decide(vouched_for, {}, &by_ca)->kind == Kind::known);
    CHECK(decide(peer, {}, &by_ca).has_error());
}

TEST_CASE("a changed realm is a refusal that shows both and the line to remove")
{
    const Failure failure = realm_changed(pinned, "realm-2", where);
    CHECK(failure.status == ExitStatus::untrusted);
    for (const char* part : {"realm-1", "realm-2", "line 3 of /state/known_servers"})
        CHECK(contains(failure.message, part));
}
