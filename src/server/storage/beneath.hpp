// openat2(2) with RESOLVE_BENEATH, and the walk that stands in where the kernel does not have it.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <string_view>

namespace ftpc::server {

// Whether this kernel (and any sandbox around us) lets openat2 be called: false for ENOSYS, and for EPERM,
// which older container runtimes answer for system calls that they do not know.
bool openat2_works(int directory);

// What becomes of a lookup that meets a mount point. `stay`: it fails with EXDEV, as one that leads out of
// `base` does, before the file system that is mounted there is asked anything.
enum class Mounts { cross, stay };

// Opens the directory `path` (relative, not empty) beneath `base` with `flags` of open(2). Links are followed
// as long as they stay beneath `base`, the last one not with O_NOFOLLOW; magic links never. EAGAIN after 16
// tries (something is being renamed on the way).
Result<UniqueFd> open_beneath(int base, std::string_view path, int flags, Mounts mounts = Mounts::cross);

// The same, across mounts, by opening one component after the other without following any link.
Result<UniqueFd> open_by_walking(int base, std::string_view path, int flags);

} // namespace ftpc::server
