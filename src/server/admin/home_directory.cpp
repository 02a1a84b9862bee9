#include "server/admin/home_directory.hpp"

#include "server/storage/beneath.hpp"
#include "shared/base/result.hpp"
#include "shared/base/text.hpp"
#include "shared/files/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace ftpc::server {

namespace {

constexpr mode_t while_it_is_made = S_IRWXU;

Result<UniqueFd> open_directory(int parent, const std::string& name)
{
    UniqueFd directory{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!directory) return last_system_error();
    return directory;
}

bool is_empty(int directory)
{
    UniqueFd own{::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{own ? ::fdopendir(own.get()) : nullptr, ::closedir};
    if (!entries) return false;
    own.release(); // closedir closes it
    while (const dirent* entry = ::readdir(entries.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") return false;
    }
    return true;
}

// The remains of a call that was cut off before it gave the directory to its owner. Nobody could use it as it
// is.
bool was_cut_off(int directory)
{
    struct stat status {};
    return ::fstat(directory, &status) == 0 && status.st_uid == ::geteuid() &&
           (status.st_mode & 07777) == while_it_is_made && is_empty(directory);
}

// Owner, group and others each have their own bits, and only the first that matches counts (POSIX).
bool may_make_directories_in(const struct stat& status, const FileOwner& writer)
{
    if (writer.user == 0) return true;
    const mode_t needed = S_IWOTH | S_IXOTH;
    if (status.st_uid == writer.user) return (status.st_mode >> 6 & needed) == needed;
    if (status.st_gid == writer.group) return (status.st_mode >> 3 & needed) == needed;
    return (status.st_mode & needed) == needed;
}

class HomeMaker {
public:
    HomeMaker(mode_t mode, std::optional<FileOwner> owner) : mode_{mode}, owner_{owner} {}

    // The directory `name` in `parent`, made if it is not there, and on disk.
    Result<UniqueFd> enter(const UniqueFd& parent, const std::string& name)
    {
        const bool made = ::mkdirat(parent.get(), name.c_str(), while_it_is_made) == 0;
        if (!made && errno != EEXIST) return last_system_error();
        if (made && !remember(parent, name)) return last_system_error();
        auto directory = open_directory(parent.get(), name);
        if (!directory) return directory;
        if ((made || (owner_ && was_cut_off(directory->get()))) && !finish(directory->get()))
            return last_system_error();
        // Also what was there: an earlier call may have been cut off before its sync.
        for (const int fd : {directory->get(), parent.get()})
            if (const error_code failure = sync_directory_if_possible(fd)) return failure;
        return directory;
    }

    MadeDirectories take() { return std::move(made_); }

private:
    bool remember(const UniqueFd& parent, const std::string& name)
    {
        made_.push_back({UniqueFd{::fcntl(parent.get(), F_DUPFD_CLOEXEC, 0)}, name});
        return static_cast<bool>(made_.back().parent);
    }

    bool finish(int directory) const
    {
        if (owner_ && ::fchown(directory, owner_->user, owner_->group) != 0) return false;
        // After mkdirat, which leaves out the bits that the umask forbids.
        return ::fchmod(directory, mode_) == 0;
    }

    mode_t mode_;
    std::optional<FileOwner> owner_;
    MadeDirectories made_;
};

} // namespace

MadeDirectories make_home_directory(int tree, const std::string& home, mode_t mode,
                                    std::optional<FileOwner> owner)
{
    HomeMaker maker{mode, owner};
    auto current = open_directory(tree, ".");
    for (std::size_t begin = 0; current && begin < home.size();) {
        const std::size_t end = std::min(home.find('/', begin), home.size());
        current = maker.enter(*current, home.substr(begin, end - begin));
        begin = end + 1;
    }
    if (current) return maker.take();
    remove_directories(maker.take());
    throw std::runtime_error{"cannot make the home " + home + "/: " + current.error().message()};
}

std::string home_problem(int tree, const std::string& root, const std::string& home,
                         std::optional<FileOwner> writer)
{
    const std::string path = shell_word(root + "/" + home);
    const std::string chown =
        writer ? "chown " + std::to_string(writer->user) + ":" + std::to_string(writer->group) + " " + path
               : "";
    const auto directory = open_beneath(tree, home, O_RDONLY);
    struct stat status {};
    if (directory && ::fstat(directory->get(), &status) == 0) {
        if (may_make_directories_in(status, writer.value_or(FileOwner{::geteuid(), ::getegid()}))) return {};
        return "the server cannot make directories there; mend with: " +
               (writer ? chown : "chmod u+rwx " + path);
    }
    const error_code why = directory ? last_system_error() : directory.error();
    if (why == boost::system::errc::cross_device_link) return "leads out of the tree";
    if (why != boost::system::errc::no_such_file_or_directory) return why.message();
    return why.message() + "; mend with: mkdir -p " + path + (writer ? " && " + chown : "");
}

void remove_directories(const MadeDirectories& made)
{
    for (auto each = made.rbegin(); each != made.rend(); ++each)
        ::unlinkat(each->parent.get(), each->name.c_str(), AT_REMOVEDIR);
}

} // namespace ftpc::server
