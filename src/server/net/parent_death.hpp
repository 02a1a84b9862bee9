// The end of net with its supervisor. The kernel could kill it. But a thread that waits for a file system
// would keep the listening sockets open, and the next server from their addresses.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <span>

namespace ftpc::server {

// From now on the kernel tells this process of the end of its parent, even if it is stopped. It then closes
// `sockets`, which must stay open till then, and exits, even if its threads are busy. To be called once, by
// the first thread. Throws boost::system::system_error.
void close_at_parent_death(std::span<const UniqueFd> sockets);

} // namespace ftpc::server
