// How many directories are beneath a directory, for quotas.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>

namespace ftpc::server {

// Counts all directories beneath the one open for reading as `top`, itself not included. Follows no links. A
// mount point counts, but its contents do not; neither do those of unreadable directories. Directories that
// are made, moved or removed meanwhile may count or not. Holds 33 descriptors at most. Fails with errno of
// openat2(2) or getdents(2), as EMFILE or EIO. EAGAIN: a directory that it is in was moved; ELOOP: more than
// 1,024 levels.
Result<std::uint64_t> count_directories(int top);

} // namespace ftpc::server
