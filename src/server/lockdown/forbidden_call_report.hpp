// Says which system call a seccomp filter has trapped.
#pragma once

#include <string_view>

namespace ftpc::server {

// From now on SIGSYS writes a line such as
//   ftpcd[net]: event=forbidden-system-call name=socket number=41
// to standard error and ends the process by that signal. (A trap while the signal is blocked, as it is when a
// thread is being started, ends it without a line.)
void name_forbidden_calls(std::string_view process);

} // namespace ftpc::server
