#include "server/home_directory.hpp"

#include "shared/result.hpp"
#include "shared/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

namespace ftpc::server {

namespace {

Result<UniqueFd> open_directory(int parent, const std::string& name)
{
    UniqueFd directory{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!directory) return last_system_error();
    return directory;
}

// The directory `name` in `parent`, made if it is not there.
Result<UniqueFd> enter(int parent, const std::string& name, mode_t mode, std::optional<FileOwner> owner)
{
    const bool made = ::mkdirat(parent, name.c_str(), S_IRWXU) == 0;
    if (!made && errno != EEXIST) return last_system_error();
    auto directory = open_directory(parent, name);
    if (!made || !directory) return directory;
    if (owner && ::fchown(directory->get(), owner->user, owner->group) != 0) return last_system_error();
    // After mkdirat, which would leave out what the umask forbids.
    if (::fchmod(directory->get(), mode) != 0 || ::fsync(directory->get()) != 0 || ::fsync(parent) != 0)
        return last_system_error();
    return directory;
}

} // namespace

void make_home_directory(int tree, const std::string& home, mode_t mode, std::optional<FileOwner> owner)
{
    auto current = open_directory(tree, ".");
    for (std::size_t begin = 0; current && begin < home.size();) {
        const std::size_t end = std::min(home.find('/', begin), home.size());
        current = enter(current->get(), home.substr(begin, end - begin), mode, owner);
        begin = end + 1;
    }
    if (!current)
        throw std::runtime_error{"cannot make the home " + home + "/: " + current.error().message()};
}

} // namespace ftpc::server
