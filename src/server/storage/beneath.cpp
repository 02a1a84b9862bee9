#include "server/storage/beneath.hpp"

#include "server/storage/c_string.hpp"
#include "shared/protocol/remote_path.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace ftpc::server {

namespace {

constexpr int most_tries = 16;

int openat2_beneath(int base, const char* path, int flags, Mounts mounts)
{
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    // protection: beneath
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    if (mounts == Mounts::stay) how.resolve |= RESOLVE_NO_XDEV;
    return static_cast<int>(::syscall(SYS_openat2, base, path, &how, sizeof how));
}

Result<UniqueFd> open_any_beneath(int base, std::string_view path, int flags, Mounts mounts)
{
    if (path.size() > max_path_bytes) return error_code{ENAMETOOLONG, boost::system::system_category()};
    const CString<max_path_bytes> terminated{path};
    for (int i = 0; i < most_tries; ++i) {
        UniqueFd opened{openat2_beneath(base, terminated.get(), flags, mounts)};
        if (opened) return opened;
        if (errno != EAGAIN && errno != EINTR) break;
    }
    return last_system_error();
}

} // namespace

bool openat2_works(int directory)
{
    const UniqueFd probe{openat2_beneath(directory, ".", O_PATH | O_DIRECTORY, Mounts::cross)};
    return probe || (errno != ENOSYS && errno != EPERM);
}

Result<UniqueFd> open_beneath(int base, std::string_view path, int flags, Mounts mounts)
{
    return open_any_beneath(base, path, flags | O_DIRECTORY, mounts);
}

Result<UniqueFd> open_by_walking(int base, std::string_view path, int flags)
{
    UniqueFd here;
    while (true) {
        const auto slash = path.find('/');
        const bool last = slash == std::string_view::npos;
        const std::string name{path.substr(0, slash)};
        const int how = (last ? flags : O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        UniqueFd next{::openat(here ? here.get() : base, name.c_str(), how)};
        if (!next) return last_system_error();
        if (last) return next;
        here = std::move(next);
        path.remove_prefix(slash + 1);
    }
}

Result<struct stat> status_beneath(int base, std::string_view path, Mounts mounts)
{
    const auto found = open_any_beneath(base, path, O_PATH, mounts);
    if (!found) return found.error();
    struct stat status {};
    if (::fstat(found->get(), &status) != 0) return last_system_error();
    return status;
}

Result<struct stat> status_by_walking(int base, std::string_view path)
{
    const auto slash = path.rfind('/');
    Result<UniqueFd> parent = UniqueFd{};
    if (slash != std::string_view::npos) {
        parent = open_by_walking(base, path.substr(0, slash), O_PATH);
        if (!parent) return parent.error();
    }
    const std::string name{path.substr(slash + 1)}; // npos + 1 is 0
    struct stat status {};
    if (::fstatat(*parent ? parent->get() : base, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return last_system_error();
    if (S_ISLNK(status.st_mode)) return error_code{ELOOP, boost::system::system_category()};
    return status;
}

} // namespace ftpc::server
