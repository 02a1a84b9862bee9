// TCP: reaching a server, and waiting for a descriptor.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <chrono>

namespace ftpc::client {

using Deadline = std::chrono::steady_clock::time_point;

// Connects to the first of the host's addresses that answers. Each has a fair share of the time that is left
// after the name's look-up. The socket is non-blocking and sends small pieces at once (TCP_NODELAY). Fails
// with ExitStatus::unreachable.
Outcome<UniqueFd> connect_to(const ServerAddress& server, Deadline deadline);

// The time left, in the unit of poll(2); 0 when the deadline has passed.
int milliseconds_until(Deadline deadline);

// Waits until one of `events` (POLLIN, POLLOUT) holds for the descriptor, or an error does.
// False when the deadline has passed.
bool wait_for(int fd, short events, Deadline deadline);

} // namespace ftpc::client
