#include "server/lockdown/sanitizer_needs.hpp"

#ifdef FTPC_SANITIZED

#include <fcntl.h>
#include <unistd.h>

#include <seccomp.h>

#include <array>
#include <cstdlib>
#include <string>

namespace ftpc::server {

namespace {

void grant(SanitizerFiles& files, const std::string& path, std::uint64_t rights)
{
    UniqueFd directory{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return;
    files.rules.push_back({directory.get(), rights});
    files.directories.push_back(std::move(directory));
}

std::string directory_of(const std::string& path)
{
    return path.substr(0, path.rfind('/') + 1);
}

std::string own_program()
{
    std::array<char, 4096> path{};
    const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    return {path.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

// Of the options in `variable`, which are parted by colons.
std::string log_path(const char* variable)
{
    const char* const value = std::getenv(variable);
    const std::string options = std::string{":"} + (value != nullptr ? value : "");
    const std::string key = ":log_path=";
    const auto place = options.find(key);
    if (place == std::string::npos) return {};
    const auto begin = place + key.size();
    return options.substr(begin, options.find(':', begin) - begin);
}

} // namespace

std::span<const int> sanitizer_calls()
{
    static constexpr std::array calls{
        SCMP_SYS(open),
        SCMP_SYS(stat),
        SCMP_SYS(lstat),
        SCMP_SYS(access),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(getcwd),
        SCMP_SYS(pipe),
        SCMP_SYS(pipe2),
        SCMP_SYS(dup2),
        SCMP_SYS(uname),
        SCMP_SYS(personality),
        SCMP_SYS(mincore),
        SCMP_SYS(msync),
        SCMP_SYS(arch_prctl),
        SCMP_SYS(getppid),
        SCMP_SYS(getrlimit),
        SCMP_SYS(setrlimit),
        SCMP_SYS(capget),
        SCMP_SYS(getrusage),
        SCMP_SYS(ptrace),
        SCMP_SYS(wait4),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(rt_sigtimedwait),
        SCMP_SYS(getdents),
        SCMP_SYS(times),
        SCMP_SYS(getpgrp),
    };
    return calls;
}

SanitizerFiles sanitizer_files()
{
    SanitizerFiles files;
    for (const char* const path : {"/proc", "/usr", "/lib"})
        grant(files, path, landlock::read_file | landlock::read_dir);
    grant(files, directory_of(own_program()), landlock::read_file);
    for (const char* const variable : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"})
        if (const std::string path = log_path(variable); !path.empty())
            grant(files, directory_of(path),
                  landlock::read_file | landlock::write_file | landlock::make_reg | landlock::truncate);
    return files;
}

} // namespace ftpc::server

#else

namespace ftpc::server {

std::span<const int> sanitizer_calls()
{
    return {};
}

SanitizerFiles sanitizer_files()
{
    return {};
}

} // namespace ftpc::server

#endif
