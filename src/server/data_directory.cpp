#include "server/data_directory.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

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

[[noreturn]] void fail(const std::string& path, const std::string& why)
{
    throw std::runtime_error{path + ": " + why};
}

// Makes `path` with exactly these permissions unless it is there; tells whether it was made.
bool make_directory(const std::string& path, mode_t mode)
{
    if (::mkdir(path.c_str(), S_IRWXU) == 0) {
        if (::chmod(path.c_str(), mode) != 0) fail(path, last_system_error().message());
        return true;
    }
    if (errno != EEXIST) fail(path, last_system_error().message());
    return false;
}

void give(const std::string& path, uid_t user, gid_t group)
{
    if (::chown(path.c_str(), user, group) != 0) fail(path, last_system_error().message());
}

UniqueFd open_directory(const std::string& path, int flags = 0)
{
    UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags)};
    if (!fd) fail(path, last_system_error().message());
    return fd;
}

void make_data(const Settings& settings, const ServiceAccounts& accounts)
{
    boost::system::error_code failure;
    // Without the slash of "DIR/", whose parent would be DIR itself and be made with other permissions.
    const std::string data = settings.data.substr(0, settings.data.find_last_not_of('/') + 1);
    const boost::filesystem::path parent = boost::filesystem::path{data}.parent_path();
    if (!parent.empty()) boost::filesystem::create_directories(parent, failure);
    if (failure) fail(parent.string(), failure.message());
    const bool made = make_directory(settings.data, accounts.auth ? S_ISVTX | 0770 : 0700);
    if (made && accounts.auth) {
        give(settings.data, 0, accounts.auth->group);
        // chown clears nothing of a directory's mode, but the order is not worth depending on.
        if (::chmod(settings.data.c_str(), S_ISVTX | 0770) != 0)
            fail(settings.data, last_system_error().message());
    }
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

// Whoever can change DATA can put another users.db there.
void check_data_directory(const std::string& path, int fd, const ServiceAccounts& accounts)
{
    struct stat status {};
    if (::fstat(fd, &status) != 0) fail(path, last_system_error().message());
    if (status.st_uid != ::geteuid()) fail(path, "belongs to another user; it must be yours");
    const bool auth_group =
        accounts.auth && status.st_gid == accounts.auth->group && (status.st_mode & S_ISVTX) != 0;
    const mode_t forbidden = S_IWOTH | (auth_group ? 0U : S_IWGRP);
    if ((status.st_mode & forbidden) != 0)
        fail(path, "others can change it; mend it with: chmod go-w " + path);
    if (accounts.auth && !auth_group)
        fail(path, "the login service could not write there; mend it with: chown root:" +
                       group_name(accounts.auth->group) + " " + path + " && chmod 1770 " + path);
}

DataDirectory open_data_directory(const Settings& settings, const ServiceAccounts& accounts)
{
    make_data(settings, accounts);
    DataDirectory out;
    out.data = open_directory(settings.data);
    check_data_directory(settings.data, out.data.get(), accounts);
    make_directory(settings.data + "/tls", 0700);
    const std::string root = settings.root_directory();
    if (make_directory(root, 0755) && accounts.net) give(root, accounts.net->user, accounts.net->group);
    out.tree = open_directory(root);
    return out;
}

} // namespace ftpc::server
