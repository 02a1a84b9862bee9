// ftpcd check: looks at everything that `ftpcd serve` needs, changes nothing, and says all that is wrong.

#include "server/auth/login_history_text.hpp"
#include "server/auth/password_hash.hpp"
#include "server/auth/pepper.hpp"
#include "server/auth/session_key_text.hpp"
#include "server/certificate.hpp"
#include "server/command_line.hpp"
#include "server/data_directory.hpp"
#include "server/listening_sockets.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/net/beneath.hpp"
#include "server/net/tls_context.hpp"
#include "server/users/users_file.hpp"
#include "shared/error.hpp"
#include "shared/file.hpp"
#include "shared/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <sstream>

namespace ftpc::server {

namespace {

using Problems = std::vector<Problem>;

std::string last_error_text()
{
    return last_system_error().message();
}

UniqueFd open_directory(int base, const std::string& path)
{
    return UniqueFd{::openat(base, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

// Settings that can be read but not be put into force: then there is a problem, and no accounts.
std::optional<ServiceAccounts> check_accounts(const Settings& settings, Problems& problems)
{
    try {
        return find_service_accounts(settings);
    } catch (const std::exception& error) {
        problems.push_back({"net-user, auth-user", error.what()});
        return std::nullopt;
    }
}

void check_listening_addresses(const Settings& settings, Problems& problems)
{
    for (const std::string& address : settings.listen) {
        try {
            check_listening_address(address);
        } catch (const std::exception& error) {
            problems.push_back({"listen", error.what()});
        }
    }
}

// What auth cannot read, although root who runs this can.
void check_owner(int data, const std::string& path, const std::string& name, const ServiceAccounts& accounts,
                 Problems& problems)
{
    struct stat status {};
    if (!accounts.auth || ::fstatat(data, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    const std::string file = path + "/" + name;
    if (status.st_uid != accounts.auth->user)
        problems.push_back({file, "does not belong to auth-user; mend with: chown " +
                                      std::to_string(accounts.auth->user) + ":" +
                                      std::to_string(accounts.auth->group) + " " + file});
}

// Files of the server's own: a broken one costs what stands in it, at the next start.
void check_kept_files(int data, const std::string& path, Problems& problems)
{
    const std::string sessions = path + "/" + sessions_file_name;
    const auto text = read_private_file(data, sessions_file_name, max_sessions_file_bytes);
    if (text) {
        for (const Problem& problem : parse_session_keys(*text).problems)
            problems.push_back({path + "/" + problem.where, problem.what});
    } else if (text.error() != boost::system::errc::no_such_file_or_directory) {
        problems.push_back({sessions, text.error().message()});
    }
    if (const auto logins = read_login_history(data); !logins)
        problems.push_back({path + "/" + login_history_file_name, logins.error() == Errc::bad_argument
                                                                      ? "is damaged; it can be removed"
                                                                      : logins.error().message()});
}

void check_certificate(const Settings& settings, Problems& problems)
{
    const std::string file = settings.certificate_file();
    const bool own = !settings.certificate.empty() || !settings.key.empty();
    if (settings.certificate.empty() != settings.key.empty())
        problems.push_back({"certificate, key", "are set together or not at all"});
    if (!own && ::access(file.c_str(), F_OK) != 0 && errno == ENOENT)
        return; // the first `ftpcd serve` makes it
    try {
        const CertificateFiles files = load_certificate(settings);
        make_tls_context(files.certificate_pem, view(files.key_pem));
        const auto left =
            describe_certificate(files.certificate_pem).not_after - std::chrono::system_clock::now();
        if (left < std::chrono::seconds{0})
            problems.push_back({file, own ? "the certificate has expired"
                                          : "has expired; `ftpcd serve` renews it at its start"});
    } catch (const std::exception& error) {
        problems.push_back({file, error.what()});
    }
}

// Owner, group and others each have their own bits, and only the first that matches counts (POSIX).
bool may_make_directories_in(const struct stat& status, const ServiceAccounts& accounts)
{
    const FileOwner writer = accounts.net.value_or(FileOwner{::geteuid(), ::getegid()});
    if (writer.user == 0) return true;
    const mode_t needed = S_IWOTH | S_IXOTH;
    if (status.st_uid == writer.user) return (status.st_mode >> 6 & needed) == needed;
    if (status.st_gid == writer.group) return (status.st_mode >> 3 & needed) == needed;
    return (status.st_mode & needed) == needed;
}

void check_home(int tree, const User& user, const std::string& root, const ServiceAccounts& accounts,
                Problems& problems)
{
    const std::string where = root + "/" + user.home;
    const auto home = open_beneath(tree, user.home, O_RDONLY);
    struct stat status {};
    if (!home || ::fstat(home->get(), &status) != 0) {
        problems.push_back(
            {where, "home of " + user.name + ": " + (home ? last_error_text() : home.error().message())});
        return;
    }
    if (!may_make_directories_in(status, accounts))
        problems.push_back({where, "home of " + user.name + ": the server cannot make directories there"});
}

void check_tree(const Settings& settings, const UsersTable* users, const ServiceAccounts& accounts,
                Problems& problems)
{
    const std::string root = settings.root_directory();
    const UniqueFd tree = open_directory(AT_FDCWD, root);
    if (!tree) {
        problems.push_back({root, last_error_text()});
        return;
    }
    if (settings.durability == Durability::group && ::fsync(tree.get()) != 0)
        problems.push_back({root, "cannot be synced: " + last_error_text()});
    if (!openat2_works(tree.get()))
        problems.push_back(
            {"kernel", "openat2 (Linux 5.6) is not available: symbolic links in the tree are not followed"});
    for (std::size_t i = 0; users != nullptr && i < users->size(); ++i)
        check_home(tree.get(), users->at(i), root, accounts, problems);
}

// Hashes that nobody can log in with because the pepper that they were made with is not the one configured.
void check_pepper(const Settings& settings, const UsersTable* users, Problems& problems)
{
    try {
        const Pepper pepper{read_pepper_file(settings.pepper_file)};
        for (std::size_t i = 0; users != nullptr && i < users->size(); ++i) {
            const User user = users->at(i);
            const auto hash = parse_password_hash(user.password_hash);
            if (hash && hash->pepper && hash->pepper != pepper.id())
                problems.push_back(
                    {"users.db",
                     user.name + " cannot log in: the hash needs another pepper than that of pepper-file"});
        }
    } catch (const std::exception& error) {
        problems.push_back({"pepper-file", error.what()});
    }
}

void check_lockdown(const Settings& settings, Problems& problems)
{
    std::istringstream missing{lockdown_to_expect(settings).missing};
    for (std::string line; std::getline(missing, line);)
        problems.push_back({"lockdown", line});
}

Problems check(const Arguments& arguments)
{
    const Settings& settings = arguments.settings;
    Problems problems = arguments.problems;
    check_lockdown(settings, problems);
    check_listening_addresses(settings, problems);
    const std::optional<ServiceAccounts> found_accounts = check_accounts(settings, problems);
    const ServiceAccounts accounts = found_accounts.value_or(ServiceAccounts{});
    const UniqueFd data = open_directory(AT_FDCWD, settings.data);
    if (!data) {
        problems.push_back(
            {settings.data,
             last_error_text() +
                 (errno == ENOENT ? " (the first `ftpcd serve` or `ftpcd user add` makes it)" : "")});
        return problems;
    }
    try { // whose it is to be is known with the accounts only
        if (found_accounts) check_data_directory(settings.data, data.get(), accounts);
    } catch (const std::exception& error) {
        const std::string_view what = error.what();
        const std::size_t place = what.starts_with(settings.data + ": ") ? settings.data.size() + 2 : 0;
        problems.push_back({settings.data, std::string{what.substr(place)}});
    }
    check_owner(data.get(), settings.data, users_file_name, accounts, problems);
    check_owner(data.get(), settings.data, sessions_file_name, accounts, problems);
    check_owner(data.get(), settings.data, login_history_file_name, accounts, problems);
    check_kept_files(data.get(), settings.data, problems);
    UsersFile users{data.get(), settings.data, accounts.auth};
    for (Problem& problem : users.load())
        problems.push_back({settings.data + "/" + problem.where, problem.what});
    check_certificate(settings, problems);
    check_pepper(settings, users.table().get(), problems);
    check_tree(settings, users.table().get(), accounts, problems);
    return problems;
}

} // namespace

int run_check(const std::vector<std::string>& words)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::all, OnProblem::keep);
    if (arguments.help) {
        print_help(
            "ftpcd check [OPTIONS]",
            "Looks at settings, data directory, certificate, tree and kernel, and says all that is wrong, a "
            "line each.\n"
            "Changes nothing. Exit status 1 if anything is wrong.",
            no_options, SettingFlags::all);
        return exit_done;
    }
    if (!arguments.positional().empty()) throw UsageError{"check takes no arguments"};
    const Problems problems = check(arguments);
    for (const Problem& problem : problems)
        std::cerr << "ftpcd: " << printable(problem.where) << ": " << printable(problem.what) << "\n";
    if (!problems.empty()) return exit_failed;
    std::cout << "ftpcd: nothing wrong with settings, data directory, certificate, tree and kernel\n"
                 "ftpcd: lockdown: "
              << lockdown_to_expect(arguments.settings).in_force << "\n";
    return exit_done;
}

} // namespace ftpc::server
