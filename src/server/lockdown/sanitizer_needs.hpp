// Calls and files that the sanitizers need inside a locked process, above all to write a report. In builds
// without them all of this is empty.
#pragma once

#include "server/lockdown/landlock.hpp"
#include "shared/base/unique_fd.hpp"

#include <span>
#include <vector>

namespace ftpc::server {

#ifdef FTPC_SANITIZED
inline constexpr bool sanitizer_build = true;
#else
inline constexpr bool sanitizer_build = false;
#endif

// Numbers of system calls, for the filter.
std::span<const int> sanitizer_calls();

// Reading what makes addresses into names of functions (/proc, /usr, the program), writing in the directory
// of log_path (ASAN_OPTIONS, UBSAN_OPTIONS, TSAN_OPTIONS). The rules hold as long as the descriptors.
struct SanitizerFiles {
    std::vector<UniqueFd> directories;
    std::vector<LandlockRule> rules;
};
SanitizerFiles sanitizer_files();

} // namespace ftpc::server
