// The process that tells other machines the time, over UDP.
#pragma once

namespace ftpc::server {

// Answers on the sockets that the supervisor passes over the control channel (ipc/control.hpp), which is
// descriptor 3, until it says Stop or is gone. Returns the exit status.
int run_time_process();

} // namespace ftpc::server
