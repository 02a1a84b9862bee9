// Listening sockets of processes that were killed and cannot end, since a thread of theirs waits in the
// kernel for a file system. Nobody accepts from them any more, but they keep their address.
#pragma once

#include <sys/socket.h>

namespace ftpc::server {

// Shuts down those that listen at `address`, if no process that lives has them, too. Returns whether there
// were any. Needs root and Linux 6.9; otherwise there are none.
bool end_dead_listeners(const sockaddr& address);

} // namespace ftpc::server
