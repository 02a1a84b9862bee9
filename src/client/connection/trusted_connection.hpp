// A control connection to a server that has been recognised.
#pragma once

#include "client/connection/control_connection.hpp"
#include "client/connection/time_allowance.hpp"
#include "client/connection/trust.hpp"
#include "client/state/state_directory.hpp"
#include "client/terminal/terminal.hpp"
#include "shared/base/result.hpp"

#include <chrono>
#include <functional>
#include <string>

namespace ftpc::client {

struct ConnectSettings {
    TrustOptions trust;
    TimeAllowance allowance{std::chrono::seconds{30}}; // of the command, over all its connections
    // Asks the user whether a new server may be trusted. Fails with ENXIO if nobody can be asked.
    std::function<Result<Answer>(const std::string& question)> ask;
    CertificateDates dates = CertificateDates::count;
};

// Connects and makes sure of the server before anything secret is sent: by the options, by the remembered
// servers, or by asking. Remembers a new server. Fails with ExitStatus::unreachable, untrusted, or failed if
// the state directory cannot be used.
Outcome<ControlConnection> open_trusted_connection(const ServerAddress& server,
                                                   const ConnectSettings& settings,
                                                   const StateDirectory& state);

// Compares the realm that a recognised server announces with the remembered one, and remembers it if there is
// none yet. Fails with ExitStatus::untrusted when it has changed.
Outcome<void> check_realm(const ServerAddress& server, const std::string& announced,
                          const StateDirectory& state);

} // namespace ftpc::client
