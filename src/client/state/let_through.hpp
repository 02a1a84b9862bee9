// The occurrences that were let through to a job (`ftpc time --wait-until`): each once, even if two runs wait
// for it.
//
// The file jobs holds one a line, the most recent first:
//     HOST:PORT JOB 2026-12-01T00:00:00
// JOB is '-' if it has no name.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/state/state_directory.hpp"

#include <string>
#include <string_view>

namespace ftpc::client {

inline constexpr const char* jobs_file = "jobs";

// 1 to 64 characters of A-Z, a-z, 0-9, '_', '.' and '-'; not a single '-'.
bool is_job_name(std::string_view name);

// Remembers that `occurrence` was let through; `job` is empty if it has no name. Fails with
// ExitStatus::failed, and says what to do, if it was before. The last 256 are remembered.
Outcome<void> let_through(const StateDirectory& state, const ServerAddress& server, const std::string& job,
                          const std::string& occurrence);

} // namespace ftpc::client
