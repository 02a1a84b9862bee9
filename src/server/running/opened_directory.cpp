#include "server/running/opened_directory.hpp"

#include "shared/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include <boost/filesystem/operations.hpp>
#include <boost/system/system_error.hpp>

namespace ftpc::server {

namespace fs = boost::filesystem;

namespace {

DirectoryIdentity identity_in(const struct stat& status)
{
    return {status.st_dev, status.st_ino};
}

// Empty where /proc does not tell.
std::string real_path_of(int fd)
{
    boost::system::error_code failure;
    return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), failure).string();
}

} // namespace

Result<DirectoryIdentity> identity_of(const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return last_system_error();
    return identity_in(status);
}

OpenedDirectory describe_opened(const std::string& path, int fd)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) throw boost::system::system_error{last_system_error(), path};
    return {absolute_path(path), real_path_of(fd), identity_in(status)};
}

OpenedDirectory describe_now(const std::string& path)
{
    const UniqueFd directory{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    return directory ? describe_opened(path, directory.get()) : OpenedDirectory{absolute_path(path), {}, {}};
}

std::string absolute_path(const std::string& path)
{
    if (path.empty()) return {};
    std::istringstream parts{path.front() == '/' ? path : fs::current_path().string() + "/" + path};
    std::string absolute;
    for (std::string part; std::getline(parts, part, '/');) {
        if (part.empty() || part == ".") continue;
        if (part == "..")
            absolute.erase(std::min(absolute.rfind('/'), absolute.size()));
        else
            absolute += "/" + part;
    }
    return absolute.empty() ? "/" : absolute;
}

} // namespace ftpc::server
