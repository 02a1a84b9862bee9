// Going on with a saved login: what mkdir, logout and status begin with.
#pragma once

#include "client/control_connection.hpp"
#include "client/options.hpp"
#include "client/saved_logins.hpp"
#include "client/state_directory.hpp"
#include "client/trusted_connection.hpp"

namespace ftpc::client {

// The options as a connection wants them, with questions asked at the terminal.
ConnectSettings connect_settings(const CommonOptions& options);

// The saved login that the options mean. Fails like active_login().
Outcome<ActiveLogin> find_login(const CommonOptions& options, const StateDirectory& state);

// Queues USER and SITE AUTH SESSKEY1 (docs/protocol.md §9). Nothing has to be waited for: further commands
// can be queued behind them at once; LoginReplies takes the two replies.
void send_session_login(ControlConnection& connection, const ActiveLogin& login);

// Takes the two replies to it. Fails like LoginReplies, and when the connection is lost; a refusal says how
// to log in again.
Outcome<void> await_session_login(ControlConnection& connection, const ActiveLogin& login);

// `failure`, with how to log in again when it is a refusal.
Failure with_way_back(Failure failure, const ActiveLogin& login);

} // namespace ftpc::client
