// The process that talks to unauthenticated clients.
#pragma once

namespace ftpc::server {

// Serves on the sockets that the supervisor passes over the control channel (ipc/control.hpp), which is
// descriptor 3, until it says Stop or is gone. Returns the exit status.
int run_net_process();

} // namespace ftpc::server
