// Landlock (landlock(7), Linux 5.13): a process gives up access to files, TCP and other processes, for good.
#pragma once

#include "shared/base/result.hpp"

#include <cstdint>
#include <span>

namespace ftpc::server {

// Rights that a rule can grant, as the kernel numbers them (linux/landlock.h; headers of older systems lack
// some).
namespace landlock {
inline constexpr std::uint64_t execute = 1U << 0;
inline constexpr std::uint64_t write_file = 1U << 1;
inline constexpr std::uint64_t read_file = 1U << 2;
inline constexpr std::uint64_t read_dir = 1U << 3;
inline constexpr std::uint64_t remove_dir = 1U << 4;
inline constexpr std::uint64_t remove_file = 1U << 5;
inline constexpr std::uint64_t make_char = 1U << 6;
inline constexpr std::uint64_t make_dir = 1U << 7;
inline constexpr std::uint64_t make_reg = 1U << 8;
inline constexpr std::uint64_t make_sock = 1U << 9;
inline constexpr std::uint64_t make_fifo = 1U << 10;
inline constexpr std::uint64_t make_block = 1U << 11;
inline constexpr std::uint64_t make_sym = 1U << 12;
inline constexpr std::uint64_t refer = 1U << 13;     // rename and link between directories: ABI 2
inline constexpr std::uint64_t truncate = 1U << 14;  // ABI 3
inline constexpr std::uint64_t ioctl_dev = 1U << 15; // ABI 5
} // namespace landlock

// The newest version that is used here; a kernel may know a later one.
inline constexpr unsigned newest_landlock_abi = 7;

// The version of the kernel, at most newest_landlock_abi. Fails with ENOSYS where the kernel has none and
// EOPNOTSUPP where it is switched off at boot.
Result<unsigned> landlock_abi();

// The rights that a version takes away from a process unless a rule grants them.
struct LandlockScope {
    std::uint64_t files = 0;     // landlock::... above
    std::uint64_t tcp = 0;       // bind and connect
    std::uint64_t processes = 0; // abstract sockets and signals of processes outside
    friend bool operator==(const LandlockScope&, const LandlockScope&) = default;
};
LandlockScope landlock_scope(unsigned abi);

struct LandlockRule {
    int directory; // open in any way
    std::uint64_t rights;
};

// From now on this thread, and those that it starts, may use only the rights that the rules grant, of all
// that `abi` knows. Needs no_new_privs. Fails with the system's error.
Result<void> restrict_with_landlock(unsigned abi, std::span<const LandlockRule> rules);

} // namespace ftpc::server
