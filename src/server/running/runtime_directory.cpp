#include "server/running/runtime_directory.hpp"

#include "shared/base/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ftpc::server {

std::vector<std::string> runtime_directories()
{
    if (::geteuid() == 0) return {"/run/ftpcd"};
    const std::string user = std::to_string(::geteuid());
    return {"/run/user/" + user + "/ftpcd", "/tmp/ftpcd-" + user};
}

Result<UniqueFd> open_runtime_directory(const std::string& path)
{
    UniqueFd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    struct stat status {};
    if (!directory || ::fstat(directory.get(), &status) != 0) return last_system_error();
    const bool others_can_change = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (status.st_uid != ::geteuid() || others_can_change) return Errc::unsafe_permissions;
    return directory;
}

Result<UniqueFd> make_runtime_directory(const std::string& path)
{
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return last_system_error();
    return open_runtime_directory(path);
}

std::string path_beneath(int directory, const std::string& name)
{
    return "/proc/self/fd/" + std::to_string(directory) + "/" + name;
}

} // namespace ftpc::server
