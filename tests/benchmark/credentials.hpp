// How the sessions of a load log in.
#pragma once

#include "benchmark/ftp_session.hpp"

namespace ftpc::benchmark {

// `method` is "password", "prehash" or "session-key". For the latter two the server is asked for its realm,
// and for the last a session key is enrolled. Both are ftpcd's own (docs/protocol.md, sections 6 to 9).
Credentials make_credentials(const std::string& method, const Target& target, SSL_CTX* context,
                             const std::string& user, const std::string& password);

} // namespace ftpc::benchmark
