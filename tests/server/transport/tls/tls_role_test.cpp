// Which connections may resume a TLS session, and of which one.
#include "server/transport/tls/tls_role.hpp"

#include "server/transport/tls/tls_pair.hpp"
#include "support/catch.hpp"
#include "support/own_certificate.hpp"

#include <array>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::OwnCertificate;
using test::TlsPair;

namespace {

struct RoleTest : OwnCertificate {
    TlsPair pair{*this};

    // Of a control connection that has just been made.
    std::shared_ptr<SSL_SESSION> ticket()
    {
        REQUIRE(pair.shake_hands());
        return pair.client_session();
    }

    void speak(int version)
    {
        SSL_CTX_set_min_proto_version(pair.client_context(), version);
        SSL_CTX_set_max_proto_version(pair.client_context(), version);
    }
};

std::string ticket_of(const SSL_SESSION* session)
{
    const unsigned char* bytes = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session, &bytes, &size);
    return {reinterpret_cast<const char*>(bytes), size};
}

constexpr std::array versions{TLS1_2_VERSION, TLS1_3_VERSION};

} // namespace

TEST_CASE_METHOD(RoleTest, "a data connection resumes the session of its control connection")
{
    for (const int version : versions) {
        CAPTURE(version);
        speak(version);
        const auto session = ticket();
        CHECK(pair.shake_hands(TlsPair::data_role, session.get()));
        CHECK(pair.resumed());
    }
}

TEST_CASE_METHOD(RoleTest,
                 "a data connection makes a whole handshake with the ticket of another control connection")
{
    for (const int version : versions) {
        CAPTURE(version);
        speak(version);
        const auto session = ticket();
        TlsRole other = TlsPair::data_role;
        other.control_connection = {2};
        CHECK(pair.shake_hands(other, session.get()));
        CHECK_FALSE(pair.resumed());
    }
}

TEST_CASE_METHOD(RoleTest, "a control connection never resumes a session, not even its own")
{
    for (const int version : versions) {
        CAPTURE(version);
        speak(version);
        const auto session = ticket();
        CHECK(pair.shake_hands(TlsPair::control_role, session.get()));
        CHECK_FALSE(pair.resumed());
    }
}

TEST_CASE_METHOD(RoleTest,
                 "the ticket of a data connection is good for the next one of its control connection")
{
    const auto first = ticket();
    REQUIRE(pair.shake_hands(TlsPair::data_role, first.get()));
    const auto second = pair.client_session();
    CHECK(ticket_of(second.get()) != ticket_of(first.get())); // some clients use each only once
    CHECK(pair.shake_hands(TlsPair::data_role, second.get()));
    CHECK(pair.resumed());
}

TEST_CASE_METHOD(RoleTest, "a connection of a service without data connections gives out no ticket")
{
    for (const int version : versions) {
        CAPTURE(version);
        speak(version);
        REQUIRE(pair.shake_hands(TlsRole{}));
        const auto session = pair.client_session();
        CHECK(SSL_SESSION_has_ticket(session.get()) == 0);
    }
}

TEST_CASE("two control connections have different ids")
{
    CHECK(random_tls_role_id() != random_tls_role_id());
}
