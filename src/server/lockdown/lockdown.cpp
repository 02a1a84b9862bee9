#include "server/lockdown/lockdown.hpp"

#include "server/lockdown/landlock.hpp"
#include "server/lockdown/sanitizer_needs.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <stdexcept>
#include <vector>

namespace ftpc::server {

namespace {

struct Layers {
    Result<unsigned> landlock; // its ABI
    Result<void> seccomp;
};

// net makes and lists directories, auth replaces its files. time has no files.
constexpr std::uint64_t rights_of(Locked process)
{
    using namespace landlock;
    switch (process) {
    case Locked::auth:
        return read_dir | read_file | write_file | truncate | make_reg | remove_file;
    case Locked::net:
        return make_dir | read_dir;
    case Locked::time:
        break;
    }
    return 0;
}

// OpenSSL reads its configuration, and the modules named there, when it is first used, and its random
// generator may open devices.
void load_cryptography()
{
    constexpr auto everything = OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_LOAD_SSL_STRINGS |
                                OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_CIPHERS |
                                OPENSSL_INIT_ADD_ALL_DIGESTS;
    unsigned char byte = 0;
    if (OPENSSL_init_ssl(everything, nullptr) != 1 || RAND_bytes(&byte, 1) != 1)
        throw std::runtime_error{"OpenSSL cannot be initialised"};
    ERR_clear_error();
}

// Landlock holds for the thread that asks for it and those that it starts, not for those that run already.
// Besides ".", ".." the directory has an entry for each. (The sanitizers start threads before main.)
void require_one_thread()
{
    struct stat threads {};
    if (!sanitizer_build && ::stat("/proc/self/task", &threads) == 0 && threads.st_nlink > 3)
        throw std::logic_error{"the process has threads already and would be locked down in part"};
}

Result<unsigned> apply_landlock(Locked process, int directory)
{
    const auto abi = landlock_abi();
    if (!abi) return abi;
    const SanitizerFiles more = sanitizer_files();
    std::vector<LandlockRule> rules = more.rules;
    if (directory != no_directory) rules.push_back({directory, rights_of(process)});
    if (const auto done = restrict_with_landlock(*abi, rules); !done) return done.error();
    return abi;
}

Result<void> apply_seccomp(Locked process, bool debug)
{
    return filter_system_calls(process, debug ? OnForbiddenCall::name_it : OnForbiddenCall::kill);
}

std::string landlock_text(unsigned abi)
{
    std::string text = "Landlock ABI " + std::to_string(abi);
    if (abi < 4) return text + " (TCP, device ioctls, abstract sockets and signals left to seccomp)";
    if (abi < 5) return text + " (device ioctls, abstract sockets and signals left to seccomp)";
    if (abi < 6) return text + " (abstract sockets and signals left to seccomp)";
    return text;
}

std::string missing_landlock(const error_code& error)
{
    return "Landlock is not in force: " + error.message() +
           " (it needs Linux 5.13 or newer, CONFIG_SECURITY_LANDLOCK, and landlock in lsm=)";
}

std::string missing_seccomp(const error_code& error)
{
    return "seccomp is not in force: " + error.message() +
           " (it needs Linux 4.14 or newer and CONFIG_SECCOMP_FILTER)";
}

void add(std::string& text, std::string_view separator, std::string_view part)
{
    text.append(text.empty() ? "" : separator).append(part);
}

Lockdown describe(const Layers& layers, bool debug)
{
    Lockdown out;
    if (layers.landlock)
        add(out.in_force, ", ", landlock_text(*layers.landlock));
    else
        add(out.missing, "\n", missing_landlock(layers.landlock.error()));
    if (layers.seccomp)
        add(out.in_force, ", ", debug ? "seccomp (naming forbidden calls)" : "seccomp");
    else
        add(out.missing, "\n", missing_seccomp(layers.seccomp.error()));
    if (out.in_force.empty()) out.in_force = "nothing";
    return out;
}

} // namespace

void harden_process()
{
    constexpr rlimit no_core{0, 0};
    // protection: not-dumpable
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || ::setrlimit(RLIMIT_CORE, &no_core) != 0 ||
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        throw std::runtime_error{"the process cannot be shut against others: " +
                                 last_system_error().message()};
}

Lockdown lock_down(Locked process, const Settings& settings, int directory)
{
    if (settings.lockdown == LockdownMode::off) return {"off", {}};
    load_cryptography();
    require_one_thread();
    // In this order: the filter knows no Landlock.
    // protection: landlock
    const Layers layers{apply_landlock(process, directory), apply_seccomp(process, settings.lockdown_debug)};
    Lockdown lockdown = describe(layers, settings.lockdown_debug);
    if (settings.lockdown == LockdownMode::require && !lockdown.missing.empty())
        throw std::runtime_error{"lockdown is required, and " + lockdown.missing};
    return lockdown;
}

Lockdown lockdown_to_expect(const Settings& settings)
{
    if (settings.lockdown == LockdownMode::off) return {"off", {}};
    return describe({landlock_abi(), seccomp_works()}, settings.lockdown_debug);
}

} // namespace ftpc::server
