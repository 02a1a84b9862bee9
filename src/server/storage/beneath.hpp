// openat2(2) with RESOLVE_BENEATH, and a walk that replaces it on older kernels.
#pragma once

#include "shared/base/result.hpp"
#include "shared/base/unique_fd.hpp"

#include <sys/stat.h>

#include <string_view>

namespace ftpc::server {

// Whether this kernel (and any sandbox around us) lets openat2 be called. False for ENOSYS, and for EPERM,
// which older container runtimes answer for unknown system calls.
bool openat2_works(int directory);

// The effect of a mount point on a lookup. `stay`: the lookup fails with EXDEV, like one that leads out of
// `base`, before the mounted file system is asked anything.
enum class Mounts { cross, stay };

// Opens the directory `path` (relative, not empty) beneath `base` with `flags` of open(2). Links are followed
// as long as they stay beneath `base`, the last one not with O_NOFOLLOW; magic links never. EAGAIN after 16
// tries (something is being renamed on the way).
Result<UniqueFd> open_beneath(int base, std::string_view path, int flags, Mounts mounts = Mounts::cross);

// The same, across mounts, by opening one component after the other without following any link.
Result<UniqueFd> open_by_walking(int base, std::string_view path, int flags);

// The status of `path`, of any kind, looked up as by open_beneath and open_by_walking. It is not opened for
// reading or writing, so that a FIFO or device notices nothing. ELOOP for a link that the walk ends at.
Result<struct stat> status_beneath(int base, std::string_view path, Mounts mounts = Mounts::cross);
Result<struct stat> status_by_walking(int base, std::string_view path);

} // namespace ftpc::server
