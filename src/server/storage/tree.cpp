#include "server/storage/tree.hpp"

#include "server/storage/beneath.hpp"
#include "server/storage/c_string.hpp"
#include "server/storage/tree_sync.hpp"
#include "shared/base/error.hpp"
#include "shared/files/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

namespace ftpc::server {

namespace {

bool is_errno(const error_code& failure, int number)
{
    return failure == error_code{number, boost::system::system_category()};
}

Directory share(OpenDirectory directory)
{
    return std::make_shared<const OpenDirectory>(std::move(directory));
}

bool is_there(const error_code& what)
{
    return what == Errc::directory_exists || is_errno(what, EEXIST);
}

Result<UniqueFd> open_staying(int base, std::string_view path, int flags)
{
    return open_beneath(base, path, flags, Mounts::stay);
}

Result<UniqueFd> open_crossing(int base, std::string_view path, int flags)
{
    return open_beneath(base, path, flags, Mounts::cross);
}

using OpenHow = Result<UniqueFd>(int base, std::string_view path, int flags);

Result<OpenDirectory> open_readable(int base, std::string_view path, int flags, OpenHow* open_how)
{
    auto fd = open_how(base, path, O_RDONLY | flags);
    if (fd) return OpenDirectory{.fd = std::move(*fd), .can_sync = true};
    // A directory that may be written but not read can still be worked in; it is then synced with the whole
    // tree.
    if (is_errno(fd.error(), EACCES)) {
        fd = open_how(base, path, O_PATH | flags);
        if (fd) return OpenDirectory{.fd = std::move(*fd), .can_sync = false};
    }
    return fd.error();
}

} // namespace

void MkdirResult::add(const MkdirResult& next, std::size_t most_parents)
{
    failure = next.failure;
    path_made = path_made || next.path_made;
    if (next.directories > 0) below = next.below;
    // protection: half-way
    directories += next.directories;
    parents.add(next.parents, most_parents);
    if (next.sync_failure) sync_failure = next.sync_failure;
}

Tree::Tree(UniqueFd root, mode_t directory_mode, HandOver hand_over)
    : lookup_{openat2_works(root.get()) ? Lookup::beneath : Lookup::walk}, hand_over_{hand_over},
      on_own_disk_{is_local_file_system(root.get())}, directory_mode_{directory_mode}, root_{as_root(
                                                                                           std::move(root))}
{}

Tree::Tree(UniqueFd root, mode_t directory_mode, Lookup lookup, HandOver hand_over)
    : lookup_{lookup}, hand_over_{hand_over}, on_own_disk_{is_local_file_system(root.get())},
      directory_mode_{directory_mode}, root_{as_root(std::move(root))}
{}

Directory Tree::as_root(UniqueFd fd) const
{
    const bool local = is_local(fd.get());
    const FileSystem file_system = file_system_of(fd.get());
    const DirectoryId id = directory_id(fd.get());
    return share(
        {.fd = std::move(fd), .can_sync = true, .local = local, .file_system = file_system, .id = id});
}

Result<Directory> Tree::open_home(std::string_view home, Blocking blocking) const
{
    auto opened = open_at(*root_, home, blocking);
    if (!opened) return opened.error();
    opened->in_home = true;
    return share(std::move(*opened));
}

Result<Directory> Tree::open(const Directory& home, const RemotePath& path, Blocking blocking) const
{
    if (path.is_home()) return home;
    // The kernel looks up "." in a directory only if that may be searched.
    // protection: search-permission
    const std::string searched = std::string{path.relative()} + "/.";
    if (searched.size() < max_path_bytes) return open_relative(home, searched, blocking);
    const auto opened = open_relative(home, path.relative(), blocking); // too long for one call
    return opened ? open_relative(*opened, ".", blocking) : opened;
}

Result<Directory> Tree::open_relative(const Directory& home, std::string_view path, Blocking blocking) const
{
    if (path.empty()) return home;
    auto opened = open_at(*home, path, blocking);
    if (!opened) return opened.error();
    return share(std::move(*opened));
}

Result<struct stat> Tree::status(const Directory& home, std::string_view relative_path,
                                 Blocking blocking) const
{
    if (blocking != Blocking::any && !home->local) return Errc::would_wait;
    const int base = home->fd.get();
    if (relative_path.empty()) {
        struct stat status {};
        if (::fstat(base, &status) != 0) return last_system_error();
        return status;
    }
    if (lookup_ == Lookup::walk) return status_by_walking(base, relative_path);
    const Mounts mounts = must_stay(blocking) ? Mounts::stay : Mounts::cross;
    auto found = status_beneath(base, relative_path, mounts);
    if (!found && mounts == Mounts::stay && is_errno(found.error(), EXDEV)) return Errc::would_wait;
    return found;
}

// A directory that is opened without crossing a mount lies on the file system of `base`.
Result<OpenDirectory> Tree::open_at(const OpenDirectory& base, std::string_view relative_path,
                                    Blocking blocking, int flags) const
{
    if (blocking != Blocking::any && !base.local) return Errc::would_wait;
    if (lookup_ == Lookup::beneath) {
        auto opened = open_readable(base.fd.get(), relative_path, flags, open_staying);
        if (opened) {
            opened->local = base.local;
            opened->in_home = base.in_home;
            opened->file_system = base.file_system;
            if (!base.local) opened->id = directory_id(opened->fd.get());
            return opened;
        }
        if (!is_errno(opened.error(), EXDEV)) return opened;
        if (must_stay(blocking)) return Errc::would_wait;
    }
    auto opened = open_readable(base.fd.get(), relative_path, flags,
                                lookup_ == Lookup::beneath ? open_crossing : open_by_walking);
    if (opened) {
        opened->local = is_local(opened->fd.get());
        opened->in_home = base.in_home && on_same_mount(base.fd.get(), opened->fd.get());
        opened->file_system = file_system_of(opened->fd.get());
        opened->id = directory_id(opened->fd.get());
    }
    return opened;
}

bool Tree::is_local(int fd) const
{
    switch (hand_over_) {
    case HandOver::always:
        return false;
    case HandOver::never:
        return true;
    case HandOver::automatic:
        break;
    }
    // The walk cannot see a mount before it has stepped into it.
    return lookup_ == Lookup::beneath && is_local_file_system(fd);
}

bool Tree::must_stay(Blocking blocking) const
{
    return blocking != Blocking::any && hand_over_ == HandOver::automatic;
}

MkdirResult Tree::make_in(const Directory& parent, std::string_view name, const Terms& terms) const
{
    MkdirResult result;
    result.failure = make_one(parent, name, result, terms);
    return result;
}

error_code Tree::make_one(const Directory& parent, std::string_view name, MkdirResult& result,
                          const Terms& terms) const
{
    if (terms.blocking != Blocking::any && !parent->local) return Errc::would_wait;
    if (name.size() > max_name_bytes) return error_code{ENAMETOOLONG, boost::system::system_category()};
    const CString<max_name_bytes> terminated{name};
    std::optional<HomeQuota::Permit> permit;
    if (terms.allowance != nullptr && parent->in_home) {
        auto taken = terms.allowance->take(terms.blocking != Blocking::never);
        if (!taken) {
            const error_code there = what_is_there(parent, terminated.get(), terms.blocking);
            return is_there(there) ? there : taken.error();
        }
        permit.emplace(std::move(*taken));
    }
    if (::mkdirat(parent->fd.get(), terminated.get(), directory_mode_) == 0) {
        if (permit) permit->made();
        result.path_made = true;
        result.below = 0;
        ++result.directories;
        result.parents.add(parent, terms.most_parents);
        return {};
    }
    if (errno != EEXIST) return last_system_error();
    permit.reset(); // a mount on the name may hang, and others want to make directories here
    const error_code there = what_is_there(parent, terminated.get(), terms.blocking);
    if (is_errno(there, ENOENT)) return error_code{EEXIST, boost::system::system_category()};
    return there;
}

// Looks up the kind of the existing `name`: Errc::directory_exists, EEXIST for anything else, or ENOENT. A
// caller that must not wait gets Errc::would_wait for a mount point.
error_code Tree::what_is_there(const Directory& parent, const char* name, Blocking blocking) const
{
    if (must_stay(blocking)) {
        const auto opened = open_beneath(parent->fd.get(), name, O_PATH | O_NOFOLLOW, Mounts::stay);
        if (opened) return Errc::directory_exists;
        if (is_errno(opened.error(), EXDEV)) return Errc::would_wait;
        if (!is_errno(opened.error(), ENOTDIR) && !is_errno(opened.error(), ELOOP)) return opened.error();
        return {EEXIST, boost::system::system_category()};
    }
    struct stat status {};
    if (::fstatat(parent->fd.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return last_system_error();
    if (S_ISDIR(status.st_mode)) return Errc::directory_exists;
    return {EEXIST, boost::system::system_category()};
}

MkdirResult Tree::make(const Directory& home, const RemotePath& path, const Terms& terms) const
{
    if (path.is_home()) return {.failure = Errc::directory_exists};
    const auto parent = open_parent(home, path, terms.blocking, terms.recent);
    if (!parent) return {.failure = parent.error()};
    MkdirResult result = make_in(*parent, path.name(), terms);
    if (terms.recent == nullptr || !is_errno(result.failure, ENOENT)) return result;
    terms.recent->forget(); // removed meanwhile, and perhaps made anew
    Terms anew = terms;
    anew.recent = nullptr;
    return make(home, path, anew);
}

Result<Directory> Tree::open_parent(const Directory& home, const RemotePath& path, Blocking blocking,
                                    RecentParent* recent) const
{
    const std::string_view parent = path.relative_parent();
    if (recent == nullptr || parent.empty()) return open_relative(home, parent, blocking);
    if (recent->home == home && recent->path == parent) return recent->directory;
    auto opened = open_relative(home, parent, blocking);
    if (opened) recent->remember(home, parent, *opened);
    return opened;
}

MkdirResult Tree::make_with_parents(const Directory& home, const RemotePath& path, const Terms& terms) const
{
    if (path.is_home()) return {.parents = {home}};
    MkdirResult result = make(home, path, terms);
    if (!is_errno(result.failure, ENOENT) && !is_there(result.failure)) return result;
    result.failure = walk_and_make(home, path, result, terms);
    if (result.failure && result.directories == 0) result.parents.clear(); // no acknowledgement will follow
    return result;
}

// Opens `reached`, which lies in `here`. If a link is in the way the whole path is looked up again from the
// home, because the link must stay beneath it.
Result<Directory> Tree::step_into(const Directory& home, const Directory& here, const RemotePath& reached,
                                  Blocking blocking) const
{
    auto next = open_at(*here, reached.name(), blocking, O_NOFOLLOW);
    if (next) return share(std::move(*next));
    if (next.error() == Errc::would_wait) return next.error();
    return open_relative(home, reached.relative(), blocking);
}

// If there are more parents than may be held, they are synced before the walk goes on.
error_code Tree::keep_few(MkdirResult& result, const Terms& terms)
{
    if (!result.parents.is_full(terms.most_parents)) return {};
    if (terms.sync != nullptr) {
        if (terms.blocking != Blocking::any) return Errc::would_wait;
        if (const error_code failure = terms.sync->sync(result.parents, terms.most_parents))
            result.sync_failure = failure;
    }
    result.parents.clear();
    return {};
}

// From the home down: opens each component, making it if it is missing. All parents are synced, existing ones
// too: another session may have made them a moment ago and not be acknowledged yet.
error_code Tree::walk_and_make(const Directory& home, const RemotePath& path, MkdirResult& result,
                               const Terms& terms) const
{
    Directory here = home;
    std::string_view rest = path.relative();
    RemotePath reached;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        const error_code step = make_one(here, name, result, terms);
        if (step && !is_there(step)) return step;
        if (step) {
            result.parents.add(here, terms.most_parents);
        } else if (!rest.empty()) {
            result.path_made = false;
            result.below = rest.size() + 1;
        }
        if (const error_code failure = keep_few(result, terms)) return failure;
        reached = reached.resolve(name).value();
        auto next = step_into(home, here, reached, terms.blocking);
        if (!next) return is_errno(next.error(), ENOTDIR) && rest.empty() ? step : next.error();
        here = std::move(*next);
    }
    return {};
}

} // namespace ftpc::server
