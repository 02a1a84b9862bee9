// Many sessions that are open and do nothing, and their effect on others.
#pragma once

#include "benchmark/ftp_session.hpp"

#include <iosfwd>

namespace ftpc::benchmark {

// Opens `count` sessions, writes {"open":…,"seconds":…}, and then does what the lines of `orders` say, each
// answered with one line:
//   busy SECONDS PREFIX [IN_FLIGHT [COUNT]]   one session more makes directories (DirectoriesPlan)
//   all SECONDS PREFIX [IN_FLIGHT [COUNT]]    all sessions do
//   check                                     each is asked NOOP: {"answering":…}
// Ends when `orders` does.
void run_idle(const Target& target, SSL_CTX* context, const Credentials& credentials, std::size_t count,
              std::istream& orders, std::ostream& out);

} // namespace ftpc::benchmark
