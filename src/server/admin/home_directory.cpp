#include "server/admin/home_directory.hpp"

#include "server/admin/permission.hpp"
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

std::string home_problem(const Refusal& refusal, const Place& home, const std::optional<FileOwner>& writer)
{
    namespace errc = boost::system::errc;
    if (refusal.why == errc::cross_device_link) return "leads out of the tree";
    if (refusal.why != errc::no_such_file_or_directory)
        return "the server " + describe(refusal, home, writer);
    const std::string path = shell_word(home.base_path + "/" + home.path);
    const std::string chown = writer ? " && chown " + std::to_string(writer->user) + ":" +
                                           std::to_string(writer->group) + " " + path
                                     : "";
    return refusal.why.message() + "; mend with: mkdir -p " + path + chown;
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

std::vector<std::string> home_problems(int tree, const std::string& root,
                                       const std::vector<std::string>& homes,
                                       const std::optional<FileOwner>& writer)
{
    std::vector<Place> places;
    places.reserve(homes.size());
    for (const std::string& home : homes)
        places.push_back({tree, root, home, Use::make_directories});
    const auto refusals = ask_kernel(writer, places);
    std::vector<std::string> problems(homes.size());
    for (std::size_t i = 0; i < homes.size(); ++i) {
        if (!refusals)
            problems[i] = "it is not known whether the server can make directories there: " +
                          refusals.error().message();
        else if (const auto& refusal = (*refusals)[i])
            problems[i] = home_problem(*refusal, places[i], writer);
    }
    return problems;
}

std::string home_problem(int tree, const std::string& root, const std::string& home,
                         const std::optional<FileOwner>& writer)
{
    return home_problems(tree, root, {home}, writer).front();
}

void remove_directories(const MadeDirectories& made)
{
    for (auto each = made.rbegin(); each != made.rend(); ++each)
        ::unlinkat(each->parent.get(), each->name.c_str(), AT_REMOVEDIR);
}

} // namespace ftpc::server
