// How many directories are beneath a directory, for quotas.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>

namespace ftpc::server {

// Counts all directories beneath the one open for reading as `top`, itself not included. Follows no links and
// does not go into what is mounted there (the mount point itself counts), nor into directories that may not
// be read. What is made, moved or removed meanwhile may count or not. Holds 33 descriptors at most. Fails
// with errno of openat2(2) or getdents(2), as EMFILE or EIO; with EAGAIN where a directory that it is in is
// moved meanwhile, and with ELOOP below 1,024 levels.
Result<std::uint64_t> count_directories(int top);

} // namespace ftpc::server
