#include "server/net/tree.hpp"

#include "server/net/beneath.hpp"
#include "shared/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

namespace ftpc::server {

namespace {

bool is_errno(const error_code& failure, int number)
{
    return failure == error_code{number, boost::system::system_category()};
}

Directory share(UniqueFd fd, bool can_sync)
{
    return std::make_shared<OpenDirectory>(OpenDirectory{std::move(fd), can_sync});
}

// What is in the way of a new directory: a directory, or something else.
error_code existing(int parent, const char* name)
{
    struct stat status {};
    if (::fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return Errc::directory_exists;
    return {EEXIST, boost::system::system_category()};
}

Made made(bool anything, Directory parent)
{
    Made out{anything, {}};
    out.parents.push_back(std::move(parent));
    return out;
}

} // namespace

Tree::Tree(UniqueFd root, mode_t directory_mode)
    : root_{share(std::move(root), true)}, directory_mode_{directory_mode}, lookup_{
                                                                                openat2_works(root_->fd.get())
                                                                                    ? Lookup::beneath
                                                                                    : Lookup::walk}
{}

Tree::Tree(UniqueFd root, mode_t directory_mode, Lookup lookup)
    : root_{share(std::move(root), true)}, directory_mode_{directory_mode}, lookup_{lookup}
{}

Result<Directory> Tree::open_home(std::string_view home) const
{
    return open_at(root_->fd.get(), home);
}

Result<Directory> Tree::open(const Directory& home, const RemotePath& path) const
{
    if (path.is_home()) return home;
    return open_at(home->fd.get(), path.relative());
}

Result<Directory> Tree::open_at(int base, std::string_view relative_path) const
{
    const auto open_how = lookup_ == Lookup::beneath ? open_beneath : open_by_walking;
    auto fd = open_how(base, relative_path, O_RDONLY);
    if (fd) return share(std::move(*fd), true);
    // A directory that may be written but not read can still be worked in; it is then synced with the whole
    // tree.
    if (is_errno(fd.error(), EACCES)) {
        fd = open_how(base, relative_path, O_PATH);
        if (fd) return share(std::move(*fd), false);
    }
    return fd.error();
}

Result<Made> Tree::make_in(const Directory& parent, std::string_view name) const
{
    const std::string terminated{name};
    if (::mkdirat(parent->fd.get(), terminated.c_str(), directory_mode_) == 0) return made(true, parent);
    if (errno == EEXIST) return existing(parent->fd.get(), terminated.c_str());
    return last_system_error();
}

Result<Made> Tree::make(const Directory& home, const RemotePath& path) const
{
    if (path.is_home()) return Errc::directory_exists;
    const auto parent = open(home, path.parent());
    if (!parent) return parent.error();
    return make_in(*parent, path.name());
}

Result<Made> Tree::make_with_parents(const Directory& home, const RemotePath& path) const
{
    if (path.is_home()) return made(false, home);
    auto one = make(home, path);
    if (one || !(is_errno(one.error(), ENOENT) || one.error() == Errc::directory_exists ||
                 is_errno(one.error(), EEXIST)))
        return one;
    return walk_and_make(home, path);
}

// Opens `reached`, which lies in `here`. Where a link is in the way the whole path is looked up again from
// the home, which is what the link must stay beneath.
Result<Directory> Tree::step_into(const Directory& home, const Directory& here,
                                  const RemotePath& reached) const
{
    auto fd = open_by_walking(here->fd.get(), reached.name(), O_RDONLY);
    if (fd) return share(std::move(*fd), true);
    return open(home, reached);
}

// From the home down: opens each component, making it where it is missing. The parents of all of them are to
// be synced, also of those that were there: somebody else may have made them a moment ago and not be
// acknowledged yet.
Result<Made> Tree::walk_and_make(const Directory& home, const RemotePath& path) const
{
    Made out;
    Directory here = home;
    std::string_view rest = path.relative();
    RemotePath reached;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const auto step = make_in(here, name);
        if (!step && !(step.error() == Errc::directory_exists || is_errno(step.error(), EEXIST)))
            return step.error();
        out.anything = out.anything || step.has_value();
        out.parents.push_back(here);
        reached = reached.resolve(name).value();
        auto next = step_into(home, here, reached);
        if (!next) return is_errno(next.error(), ENOTDIR) && rest.empty() ? step.error() : next.error();
        here = std::move(*next);
    }
    return out;
}

} // namespace ftpc::server
