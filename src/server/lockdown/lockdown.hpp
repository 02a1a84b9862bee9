// The rights that the inner processes give up before they meet anything from the network: files, sockets,
// programs, other processes. docs/security.md says what is left to each.
#pragma once

#include "server/config/settings.hpp"
#include "server/lockdown/seccomp_filter.hpp"

#include <string>

namespace ftpc::server {

struct Lockdown {
    std::string in_force; // "Landlock ABI 7, seccomp", "off"
    std::string
        missing; // a line for each feature that is not in force although it should be, with the reason
    friend bool operator==(const Lockdown&, const Lockdown&) = default;
};

// To be called first in a process. Its memory will hold secrets: other processes of the same user cannot read
// it, and no core dump has it. No program that it executes has more rights. Throws
// std::runtime_error.
void harden_process();

inline constexpr int no_directory = -1;

// Locks this process down for good, as far as the setting `lockdown` and the kernel allow. `directory`: the
// root of the tree for net, the data directory for auth, no_directory for time. To be called before the
// process has threads, once everything that lies elsewhere has been opened. Throws std::runtime_error when
// something is missing that is required.
Lockdown lock_down(Locked process, const Settings& settings, int directory);

// The parts that lock_down() would put in force on this kernel, and those that are missing. Changes nothing.
Lockdown lockdown_to_expect(const Settings& settings);

} // namespace ftpc::server
