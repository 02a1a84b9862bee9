// The process that keeps the secrets, on its event loop: takes orders from the supervisor, answers net's
// questions, and follows users.db as it changes.
#pragma once

#include "shared/base/unique_fd.hpp"

namespace ftpc::server {

// Serves until the supervisor says Stop or is gone (EXIT_SUCCESS), or the first Configure cannot be put into
// force (EXIT_FAILURE, after a Failed report). `control` is this end of the control channel
// (ipc/control.hpp). The process is locked down on the way (server/lockdown/), unless the settings say off.
//
// A Configure that cannot be put into force later, or a users.db that has become unreadable, leaves
// everything as it was. Bytes on net's channel that are no request end that channel only.
int serve_auth(UniqueFd control);

} // namespace ftpc::server
