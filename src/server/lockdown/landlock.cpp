#include "server/lockdown/landlock.hpp"

#include "shared/base/unique_fd.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

// The same numbers on every architecture (include/uapi/asm-generic/unistd.h).
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

namespace ftpc::server {

namespace {

// linux/landlock.h as of ABI 7. A kernel that knows a shorter one takes it as long as the rest is zero.
struct RulesetAttributes {
    std::uint64_t handled_access_fs;
    std::uint64_t handled_access_net;
    std::uint64_t scoped;
};
struct [[gnu::packed]] PathBeneathAttributes {
    std::uint64_t allowed_access;
    std::int32_t parent_fd;
};
constexpr unsigned create_ruleset_version = 1;
constexpr int rule_path_beneath = 1;

Result<void> add_rule(int ruleset, const LandlockRule& rule, std::uint64_t handled)
{
    const PathBeneathAttributes beneath{rule.rights & handled, rule.directory};
    if (::syscall(SYS_landlock_add_rule, ruleset, rule_path_beneath, &beneath, 0) != 0)
        return last_system_error();
    return {};
}

} // namespace

Result<unsigned> landlock_abi()
{
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, create_ruleset_version);
    if (version < 0) return last_system_error();
    return std::min(static_cast<unsigned>(version), newest_landlock_abi);
}

// The history in landlock(7). ABI 7 adds how refusals are logged, and that by default.
LandlockScope landlock_scope(unsigned abi)
{
    if (abi == 0) return {};
    LandlockScope scope{.files = landlock::refer - 1, .tcp = 0, .processes = 0};
    if (abi >= 2) scope.files |= landlock::refer;
    if (abi >= 3) scope.files |= landlock::truncate;
    if (abi >= 4) scope.tcp = 0b11;
    if (abi >= 5) scope.files |= landlock::ioctl_dev;
    if (abi >= 6) scope.processes = 0b11;
    return scope;
}

Result<void> restrict_with_landlock(unsigned abi, std::span<const LandlockRule> rules)
{
    const LandlockScope scope = landlock_scope(abi);
    const RulesetAttributes attributes{scope.files, scope.tcp, scope.processes};
    const UniqueFd ruleset{
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
    if (!ruleset) return last_system_error();
    for (const LandlockRule& rule : rules)
        if (const auto added = add_rule(ruleset.get(), rule, scope.files); !added) return added;
    if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return last_system_error();
    return {};
}

} // namespace ftpc::server
