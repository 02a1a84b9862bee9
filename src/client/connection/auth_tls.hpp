// The part of a control connection that is in clear: AUTH TLS and nothing else (RFC 4217 §4).
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/connection/socket.hpp"

namespace ftpc::client {

// Sends AUTH TLS without waiting for the greeting, and returns once the server has consented; what comes next
// on the socket is TLS. Fails with ExitStatus::unreachable, or with untrusted when the server refuses TLS or
// has sent bytes behind its consent, which somebody on the way may have put there (CVE-2011-0411).
Outcome<void> begin_tls(int socket, const ServerAddress& server, Deadline deadline);

} // namespace ftpc::client
