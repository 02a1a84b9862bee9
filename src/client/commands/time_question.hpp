// Asking a server for its time, without a login.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/clock/measurement.hpp"
#include "client/connection/trusted_connection.hpp"
#include "client/state/state_directory.hpp"

namespace ftpc::client {

// The best of eight rounds over one connection. Fails like open_trusted_connection(), and with
// ExitStatus::unreachable if the server does not know SITE TIME, tells what is no time, or has its clock set
// meanwhile.
Outcome<ClockReading> ask_server_time(const ServerAddress& server, const ConnectSettings& settings,
                                      const StateDirectory& state);

} // namespace ftpc::client
