#include "client/connection/trusted_connection.hpp"

#include "client/outcome.hpp"
#include "client/scripted_server.hpp"
#include "support/temporary_directory.hpp"

using namespace ftpc;
using namespace ftpc::client;
using ftpc::test::contains;
using ftpc::test::Peer;
using ftpc::test::ScriptedServer;

namespace {

void shake_hands(Peer& peer)
{
    peer.greet_and_start_tls();
}

ServerAddress address(const ScriptedServer& server)
{
    return {"127.0.0.1", server.port()};
}

// Settings of a user who gives this answer, and keeps the questions.
struct User {
    Result<Answer> answer;
    std::vector<std::string> questions;

    ConnectSettings settings(TrustOptions trust = {})
    {
        return {std::move(trust), std::chrono::seconds{20}, [this](const std::string& question) {
                    questions.push_back(question);
                    return answer;
                }};
    }
};

const error_code no_terminal{ENXIO, boost::system::system_category()};

} // namespace

TEST_CASE("a new server is asked about once, with its fingerprint, and remembered")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ScriptedServer server{{shake_hands, shake_hands}};
    User user{Answer::yes, {}};
    CHECK(open_trusted_connection(address(server), user.settings(), state));
    REQUIRE(user.questions.size() == 1);
    CHECK(contains(user.questions[0], server.certificate().fingerprint()));
    CHECK(contains(user.questions[0], address(server).text()));
    CHECK(open_trusted_connection(address(server), user.settings(), state));
    CHECK(user.questions.size() == 1);
}

TEST_CASE("a new server that the user does not trust is not remembered")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ScriptedServer server{shake_hands};
    User user{Answer::no, {}};
    const auto connection = open_trusted_connection(address(server), user.settings(), state);
    REQUIRE(connection.has_error());
    CHECK(connection.error().status == ExitStatus::untrusted);
    CHECK(state.read(known_servers_file)->empty());
}

TEST_CASE("without a terminal a new server is untrusted, and the options that would help are named")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ScriptedServer server{{shake_hands, shake_hands}};
    User nobody{no_terminal, {}};
    const auto connection = open_trusted_connection(address(server), nobody.settings(), state);
    REQUIRE(connection.has_error());
    CHECK(connection.error().status == ExitStatus::untrusted);
    for (const char* option : {"--pin SHA256:", "--ca", "--accept-new"})
        CHECK(contains(connection.error().message, option));

    TrustOptions accept;
    accept.accept_new = true;
    CHECK(open_trusted_connection(address(server), nobody.settings(accept), state));
    CHECK(nobody.questions.size() == 1);
}

TEST_CASE("a server trusted by its CA is recognised by the same CA later, without the option")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ScriptedServer server{{shake_hands, shake_hands, shake_hands}};
    directory.write("ca.pem", server.certificate().pem());
    User nobody{no_terminal, {}};
    TrustOptions by_ca;
    by_ca.ca_file = directory.path("ca.pem");
    CHECK(open_trusted_connection(address(server), nobody.settings(by_ca), state));
    CHECK(open_trusted_connection(address(server), nobody.settings(), state));
    // and no longer when that file vouches for another
    directory.write("ca.pem", test::Certificate{}.pem());
    const auto refused = open_trusted_connection(address(server), nobody.settings(), state);
    REQUIRE(refused.has_error());
    CHECK(refused.error().status == ExitStatus::untrusted);
}

TEST_CASE("the dates of a certificate count, unless the clock of this machine is in question")
{
    const test::Certificate expired{-7200, -3600};
    const test::Certificate of_tomorrow{86400, 172800};
    for (const test::Certificate& certificate : {expired, of_tomorrow}) {
        const test::TemporaryDirectory directory;
        const StateDirectory state{directory.path("ftpc")};
        const ScriptedServer server{std::vector<ScriptedServer::Script>(3, shake_hands), certificate};
        directory.write("ca.pem", certificate.pem());
        User nobody{no_terminal, {}};
        TrustOptions by_ca;
        by_ca.ca_file = directory.path("ca.pem");
        ConnectSettings settings = nobody.settings(by_ca);
        const auto refused = open_trusted_connection(address(server), settings, state);
        REQUIRE(refused.has_error());
        CHECK(refused.error().status == ExitStatus::untrusted);
        settings.dates = CertificateDates::ignored;
        CHECK(open_trusted_connection(address(server), settings, state));
        // The name and the signature count still.
        directory.write("ca.pem", test::Certificate{}.pem());
        CHECK(open_trusted_connection(address(server), settings, state).has_error());
    }
}

TEST_CASE("a deliberate new pin replaces the old one and forgets the realm")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ScriptedServer server{shake_hands};
    const std::string old_pin = "SHA256:" + std::string(43, 'A');
    REQUIRE(remember_server(state, {address(server), "realm-1", "2026-01-01", {Trust::Kind::pin, old_pin}}));
    User nobody{no_terminal, {}};
    TrustOptions pinned;
    pinned.pin = server.certificate().fingerprint();
    CHECK(open_trusted_connection(address(server), nobody.settings(pinned), state));
    const auto known = load_known_servers(state);
    CHECK(known->find(address(server))->trust.value == pinned.pin);
    CHECK(known->find(address(server))->realm.empty());
}

TEST_CASE("the first realm is remembered, the same one passes, another one is untrusted")
{
    const test::TemporaryDirectory directory;
    const StateDirectory state{directory.path("ftpc")};
    const ServerAddress server{"host", 1};
    REQUIRE(remember_server(state, {server, "", "2026-01-01", {Trust::Kind::ca, "/ca.pem"}}));
    CHECK(check_realm(server, "realm-1", state));
    CHECK(check_realm(server, "realm-1", state));
    const auto changed = check_realm(server, "realm-2", state);
    REQUIRE(changed.has_error());
    CHECK(changed.error().status == ExitStatus::untrusted);
    CHECK(load_known_servers(state)->find(server)->realm == "realm-1");
}
