// Logging in again and again: connect, TLS, login, close.
#pragma once

#include "benchmark/ftp_session.hpp"

#include <boost/json.hpp>

namespace ftpc::benchmark {

// `at_once` connections are under way at any time, for so many seconds. With Method::bare_tls it is TLS
// handshakes that are counted. The result: logins, seconds, per_second, latencies and CPU time of the
// generator.
boost::json::object run_logins(const Target& target, SSL_CTX* context, const Credentials& credentials,
                               unsigned at_once, double seconds);

} // namespace ftpc::benchmark
