// The process that keeps the secrets.
#pragma once

namespace ftpc::server {

// Answers net's questions over the channels that the supervisor passes over the control channel
// (ipc/control.hpp, descriptor 3). Runs until that says Stop or is gone. Returns the exit status.
int run_auth_process();

} // namespace ftpc::server
