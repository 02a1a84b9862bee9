// The part of a control connection that is in clear: AUTH TLS and nothing else (RFC 4217 §4).
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/connection/socket.hpp"

namespace ftpc::client {

// Sends AUTH TLS without waiting for the greeting, and returns once the server has consented; TLS comes next
// on the socket. Fails with ExitStatus::unreachable, or with untrusted when the server refuses TLS. Bytes
// behind the consent are refused as well: an attacker on the way may have put them there (CVE-2011-0411).
Outcome<void> begin_tls(int socket, const ServerAddress& server, Deadline deadline);

} // namespace ftpc::client
