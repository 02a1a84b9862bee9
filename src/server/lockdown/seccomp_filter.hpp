// The system calls that net, auth and time may make (seccomp(2), through libseccomp). Every other one ends
// the process with SIGSYS.
#pragma once

#include "shared/base/result.hpp"

namespace ftpc::server {

enum class Locked { net, auth, time }; // which process is locked down

enum class OnForbiddenCall {
    kill,
    name_it, // on standard error first, for a developer who extends the list
};

// Whether the kernel can end a process at a forbidden call (Linux 4.14). Fails with the system's error where
// it cannot.
Result<void> seccomp_works();

// For all threads of this process and those that they start. Needs no_new_privs. Fails with the system's
// error. Throws std::bad_alloc.
Result<void> filter_system_calls(Locked process, OnForbiddenCall action);

} // namespace ftpc::server
