#include "server/directories/data_directory.hpp"

#include "server/log/log.hpp"
#include "server/running/opened_directory.hpp"
#include "server/storage/durability_promise.hpp"
#include "shared/base/text.hpp"
#include "shared/files/file_system.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/path.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace ftpc::server {

namespace {

FileOwner find_account(const std::string& name)
{
    const passwd* const entry = ::getpwnam(name.c_str());
    if (entry == nullptr)
        throw std::runtime_error{
            "there is no system user '" + name +
            "'; make it with: useradd --system --user-group --no-create-home --home-dir /nonexistent "
            "--shell /usr/sbin/nologin " +
            name};
    if (entry->pw_uid == 0)
        throw std::runtime_error{"the user '" + name + "' is root; ftpcd needs one without privileges"};
    return {entry->pw_uid, entry->pw_gid};
}

std::string group_name(gid_t group)
{
    const ::group* const entry = ::getgrgid(group);
    return entry != nullptr ? entry->gr_name : std::to_string(group);
}

// Why a call has failed, and what may be done about it.
std::string last_failure()
{
    const error_code failure = last_system_error();
    const bool root_could = failure == boost::system::errc::permission_denied && ::geteuid() != 0;
    return failure.message() + (root_could ? " (run this as root)" : "");
}

[[noreturn]] void fail(const std::string& path, const std::string& why)
{
    throw std::runtime_error{path + ": " + why};
}

// "DIR" for "DIR/".
std::string without_last_slash(const std::string& path)
{
    return path.substr(0, std::max<std::size_t>(path.find_last_not_of('/') + 1, 1));
}

// "/a/b" for "/a/b/c"; "." for a plain name.
std::string parent_of(const std::string& path)
{
    const boost::filesystem::path parent = boost::filesystem::path{path}.parent_path();
    return parent.empty() ? "." : parent.string();
}

error_code sync_directory_at(const std::string& path)
{
    const UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return fd ? sync_directory_if_possible(fd.get()) : last_system_error();
}

// A directory that is made on first use must outlive a power failure: users are about to be put into it.
void put_on_disk(const std::string& path)
{
    if (const error_code failure = sync_directory_at(parent_of(path)))
        fail(parent_of(path), failure.message());
}

// Not every file system knows RENAME_NOREPLACE; none puts a directory in the place of one that is not empty.
bool put_in_place(const std::string& from, const std::string& to)
{
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    return errno == EINVAL && std::rename(from.c_str(), to.c_str()) == 0;
}

// Makes `path` with exactly these permissions and owner unless it is there. It gets its name when it is
// complete. So several first uses at once never see half of it, and a killed one leaves none.
void make_directory(const std::string& path, mode_t mode, std::optional<FileOwner> owner = {})
{
    if (::access(path.c_str(), F_OK) == 0) return;
    std::string unfinished = parent_of(path) + "/.ftpcd-XXXXXX";
    if (::mkdtemp(unfinished.data()) == nullptr) fail(path, last_failure());
    // chown before chmod, in case it clears bits of the mode.
    const bool ready = (!owner || ::chown(unfinished.c_str(), owner->user, owner->group) == 0) &&
                       ::chmod(unfinished.c_str(), mode) == 0;
    error_code failure = ready ? sync_directory_at(unfinished) : last_system_error();
    if (!failure && !put_in_place(unfinished, path)) failure = last_system_error();
    if (failure) ::rmdir(unfinished.c_str());
    if (failure && failure.value() != EEXIST && failure.value() != ENOTEMPTY) fail(path, failure.message());
    put_on_disk(path);
}

// Makes the directory `path` and what is missing above it. Only their owner can change them, with any umask.
// In somebody's home they are nobody else's business.
void make_with_parents(const std::string& path)
{
    if (::access(path.c_str(), F_OK) == 0) return;
    if (parent_of(path) != path) make_with_parents(parent_of(path));
    // protection: own-parents
    make_directory(path, ::geteuid() == 0 ? 0755 : 0700);
}

UniqueFd open_directory(const std::string& path, int flags = 0)
{
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)};
    if (!fd) fail(path, last_failure());
    return fd;
}

void make_data(const Settings& settings, const ServiceAccounts& accounts)
{
    // Without the slash of "DIR/", whose parent would be DIR itself and be made with other permissions.
    const std::string data = without_last_slash(settings.data);
    make_with_parents(parent_of(data));
    if (accounts.auth)
        make_directory(data, S_ISVTX | 0770, FileOwner{0, accounts.auth->group});
    else
        make_directory(data, 0700);
}

} // namespace

ServiceAccounts find_service_accounts(const Settings& settings)
{
    if (::geteuid() != 0) return {};
    const FileOwner net = find_account(settings.net_user);
    const FileOwner auth = find_account(settings.auth_user);
    if (net.user == auth.user) throw std::runtime_error{"net-user and auth-user must be two different users"};
    return {net, auth};
}

std::optional<FileOwner> find_time_account(const Settings& settings, const ServiceAccounts& others)
{
    if (::geteuid() != 0 || !settings.serves_time()) return std::nullopt;
    const FileOwner time = find_account(settings.time_user);
    for (const auto& other : {others.net, others.auth})
        if (other && other->user == time.user)
            throw std::runtime_error{"time-user must be another user than net-user and auth-user"};
    return time;
}

// A process that can change DATA can put another users.db there.
void check_data_directory(const std::string& path, int fd, const ServiceAccounts& accounts)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail(path, last_system_error().message());
    if (status.st_uid != ::geteuid()) fail(path, "belongs to another user; it must be yours");
    const bool auth_group =
        accounts.auth && status.st_gid == accounts.auth->group && (status.st_mode & S_ISVTX) != 0;
    const mode_t forbidden = S_IWOTH | (auth_group ? 0U : S_IWGRP);
    if ((status.st_mode & forbidden) != 0)
        fail(path, "others can change it; mend it with: chmod go-w " + shell_word(path));
    if (accounts.auth && !auth_group)
        fail(path, "the login service could not write there; mend it with: chown root:" +
                       group_name(accounts.auth->group) + " " + shell_word(path) + " && chmod 1770 " +
                       shell_word(path));
}

UniqueFd open_data(const Settings& settings, const ServiceAccounts& accounts)
{
    make_data(settings, accounts);
    UniqueFd data = open_directory(settings.data);
    check_data_directory(settings.data, data.get(), accounts);
    make_directory(settings.data + "/tls", 0700);
    return data;
}

TreePlace tree_place(const Settings& settings, int data)
{
    return {data, settings.data, absolute_path(settings.root_directory())};
}

void open_tree(const Settings& settings, const ServiceAccounts& accounts, DataDirectory& directory)
{
    const std::string root = settings.root_directory();
    const TreePlace place = tree_place(settings, directory.data.get());
    if (::access(root.c_str(), F_OK) != 0 && errno == ENOENT)
        if (const std::string problem = tree_problem(place, -1); !problem.empty()) fail(root, problem);
    make_directory(without_last_slash(root), 0755, accounts.net);
    directory.tree = open_directory(root);
    directory.tree_not_known = recognize_tree(place, directory.tree.get(), accounts.net);
}

void refuse_unsafe_tree(const Settings& settings, const DataDirectory& directory)
{
    const std::string refusal = tree_refusal(settings, directory.tree.get());
    if (!refusal.empty()) fail(settings.root_directory(), refusal);
}

void judge_tree(const Settings& settings, const DataDirectory& directory)
{
    refuse_unsafe_tree(settings, directory);
    const std::string root = settings.root_directory();
    const TreePromise tree = tree_promise(settings, root, directory.tree.get());
    if (!directory.tree_not_known.empty())
        log_event("tree-not-known",
                  {{"path", root},
                   {"reason", directory.tree_not_known},
                   {"effect", "if it is not mounted at a later start, nobody will notice"}});
    for (const auto& [path, promise] : tree.promises)
        if (promise.durable != Durable::always)
            log_event("durability-warning", {{"path", path}, {"reason", promise.words}});
    for (const Problem& problem : tree.problems)
        log_event("hand-over-warning", {{"path", problem.where}, {"reason", problem.what}});
}

DataDirectory open_data_directory(const Settings& settings, const ServiceAccounts& accounts)
{
    DataDirectory directory{.data = open_data(settings, accounts), .tree = {}};
    open_tree(settings, accounts, directory);
    return directory;
}

} // namespace ftpc::server
