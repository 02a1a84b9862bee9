// Going on with a saved login: the first step of mkdir, ls, tree, logout and status.
#pragma once

#include "client/commands/options.hpp"
#include "client/connection/control_connection.hpp"
#include "client/connection/trusted_connection.hpp"
#include "client/state/saved_logins.hpp"
#include "client/state/state_directory.hpp"

#include <functional>

namespace ftpc::client {

// The options as the connections of one command want them, with questions asked at the terminal.
ConnectSettings connect_settings(const CommonOptions& options);

// The saved login that the options mean. Fails like active_login().
Outcome<ActiveLogin> find_login(const CommonOptions& options, const StateDirectory& state);

// Queues USER and SITE AUTH SESSKEY1 (docs/protocol.md §9). Nothing has to be waited for: further commands
// can be queued behind them at once; LoginReplies takes the two replies.
void send_session_login(ControlConnection& connection, const ActiveLogin& login);

// Takes the two replies to it. Fails like LoginReplies, and when the connection is lost.
Outcome<void> await_session_login(ControlConnection& connection, const ActiveLogin& login);

// Runs `attempt` with `login`. If the server refuses it, and another ftpc has meanwhile saved a newer session
// of the same user, tries again with that one. (A login elsewhere ends the session before, and logs nobody
// out.) Fails like `attempt`; a refusal says how to log in again.
Outcome<void> with_saved_login(ActiveLogin login, const StateDirectory& state,
                               const std::function<Outcome<void>(const ActiveLogin&)>& attempt);

} // namespace ftpc::client
