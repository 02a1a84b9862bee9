// One server for each data directory.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <string>

namespace ftpc::server {

// Takes the lock of the data directory `data` (opened from `path`) for as long as the descriptor lives.
// Throws std::runtime_error naming the process that has it.
UniqueFd lock_for_serving(int data, const std::string& path);

// Whether a running server holds the lock of the data directory that has this path now.
bool is_served(const std::string& path);

} // namespace ftpc::server
