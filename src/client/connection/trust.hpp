// Whether a server is the one that it should be.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/connection/tls_stream.hpp"
#include "client/state/known_servers.hpp"

#include <string>

namespace ftpc::client {

// The user's options about trust for this run.
struct TrustOptions {
    bool accept_new = false; // a server that is not known yet is trusted from now on
    std::string pin;         // the fingerprint that the server must have; empty if none was given
    std::string ca_file;     // absolute path of the CA certificates that must vouch for it; empty if none
};

struct TrustDecision {
    enum class Kind {
        known,    // it is the server that is remembered
        remember, // trust it, and remember it by `trust`
        ask,      // it is new, and the user has to say
    };
    Kind kind;
    Trust trust;
};

// Decides by the user's options, else by the remembered server (`known`, null for a new server; `where` names
// its line). Fails with ExitStatus::untrusted and says what happened and what to do.
Outcome<TrustDecision> decide_trust(const ServerAddress& server, const PeerIdentity& peer,
                                    const TrustOptions& options, const KnownServer* known,
                                    const std::string& where);

// The refusal of a server that announces another realm than the one it is remembered with.
Failure realm_changed(const KnownServer& known, const std::string& announced, const std::string& where);

} // namespace ftpc::client
