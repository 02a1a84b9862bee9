// A user who has logged in at a scripted server before the test begins.
#pragma once

#include "client/scripted_server.hpp"
#include "client/state/known_servers.hpp"
#include "client/state/saved_logins.hpp"
#include "client/terminal/dates.hpp"
#include "support/catch.hpp"

#include <string>

namespace ftpc::test {

inline const std::string session_id(32, 'a');

inline client::ServerAddress address(const ScriptedServer& server)
{
    return {"127.0.0.1", server.port()};
}

// Leaves a session and a known server behind, as a login would.
inline void be_logged_in(const ScriptedServer& server, const SessionPrivateKey& key = {})
{
    using namespace client;
    const auto state = StateDirectory::of_this_user();
    REQUIRE(remember_server(
        *state,
        {address(server), "realm-1", "2026-01-01", {Trust::Kind::pin, server.certificate().fingerprint()}}));
    SavedSession session{{}, key, now_in_seconds() + 86400};
    session.id.fill(0xaa);
    REQUIRE(save_login(*state, {address(server), "alice", session}));
}

} // namespace ftpc::test
