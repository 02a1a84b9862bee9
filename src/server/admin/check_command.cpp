// ftpcd check: looks at everything that `ftpcd serve` needs, changes nothing, and says all that is wrong.

#include "server/admin/check_time.hpp"
#include "server/admin/data_files.hpp"
#include "server/admin/home_directory.hpp"
#include "server/admin/in_force.hpp"
#include "server/auth/state/login_history_text.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/certificates/certificate.hpp"
#include "server/certificates/certificate_problems.hpp"
#include "server/config/command_line.hpp"
#include "server/directories/data_directory.hpp"
#include "server/listening/listening_sockets.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/storage/beneath.hpp"
#include "server/storage/durability_promise.hpp"
#include "server/supervisor/descriptor_limit.hpp"
#include "server/transport/tls/tls_context.hpp"
#include "server/users/password_hash.hpp"
#include "server/users/pepper.hpp"
#include "server/users/users_file.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/files/file.hpp"
#include "shared/files/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

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

void check_time_account(const Settings& settings, const ServiceAccounts& others, Problems& problems)
{
    try {
        find_time_account(settings, others);
    } catch (const std::exception& error) {
        problems.push_back({"time-user", error.what()});
    }
}

// Settings that can be read but not be put into force: then there is a problem, and no accounts.
std::optional<ServiceAccounts> check_accounts(const Settings& settings, Problems& problems)
{
    try {
        const ServiceAccounts accounts = find_service_accounts(settings);
        check_time_account(settings, accounts, problems);
        return accounts;
    } catch (const std::exception& error) {
        problems.push_back({"net-user, auth-user", error.what()});
        return std::nullopt;
    }
}

// Of the running servers that are meant.
std::vector<std::string> addresses_in_use(const Arguments& arguments)
{
    std::vector<std::string> addresses;
    for (const ServerStatus& server : running_servers_meant(arguments))
        addresses.insert(addresses.end(), server.listening.begin(), server.listening.end());
    return addresses;
}

ListeningCheck check_addresses(const Arguments& arguments)
{
    return check_listening_addresses(arguments.settings.listen, addresses_in_use(arguments));
}

void check_listening(const Arguments& arguments, Problems& problems)
{
    const ListeningCheck check = check_addresses(arguments);
    for (const UnusableAddress& address : check.problems)
        problems.push_back({"listen", address.words()});
    if (check.any_usable) return;
    for (const UnusableAddress& address : check.left_out)
        problems.push_back({"listen", address.words()});
}

// Those of a running server that is meant are not tried: it has them.
ListeningCheck check_passive(const Arguments& arguments)
{
    if (!addresses_in_use(arguments).empty()) return {{}, {}, true};
    return check_passive_ports(arguments.settings.listen, arguments.settings.passive_ports);
}

void check_passive(const Arguments& arguments, Problems& problems)
{
    const ListeningCheck check = check_passive(arguments);
    if (check.any_usable || check.left_out.empty()) return;
    problems.push_back({"passive-ports", check.left_out.front().words() +
                                             "; without any such port clients cannot list directories"});
}

// The server's own files: a broken one loses its contents at the next start.
void check_kept_files(int data, const std::string& path, Problems& problems)
{
    const std::string sessions = path + "/" + sessions_file_name;
    const auto text = read_private_file(data, sessions_file_name, max_sessions_file_bytes);
    if (text) {
        for (const Problem& problem : parse_session_keys(*text).problems)
            problems.push_back({path + "/" + problem.where, problem.what});
    } else if (text.error() != boost::system::errc::no_such_file_or_directory) {
        problems.push_back({sessions, why_not_read(text.error())});
    }
    if (const auto logins = read_login_history(data); !logins)
        problems.push_back({path + "/" + login_history_file_name, logins.error() == Errc::bad_argument
                                                                      ? "is damaged; it can be removed"
                                                                      : why_not_read(logins.error())});
}

// `what` without the place that it begins with, if the line already begins with that place.
Problem problem_at(const std::string& where, std::string_view what)
{
    const bool twice = what.starts_with(where + ": ");
    return {where, std::string{what.substr(twice ? where.size() + 2 : 0)}};
}

// Throws if it is not what it must be.
void check_data(const Settings& settings, int data, const ServiceAccounts& accounts, Problems& problems)
{
    check_data_directory(settings.data, data, accounts);
    for (Problem& problem : find_data_problems(data, settings.data, accounts.auth))
        problems.push_back(std::move(problem));
}

void check_certificate(const Settings& settings, Problems& problems)
{
    const std::string file = settings.certificate_file();
    const bool own = !settings.certificate.empty() || !settings.key.empty();
    if (settings.certificate.empty() != settings.key.empty()) {
        problems.push_back({"certificate, key", "are set together or not at all"});
        return;
    }
    if (!own && ::access(file.c_str(), F_OK) != 0 && errno == ENOENT)
        return; // the first `ftpcd serve` makes it
    std::string certificate;
    SecretText key;
    const auto try_to = [&](const std::string& where, const auto& act) {
        try {
            act();
            return true;
        } catch (const std::exception& error) {
            problems.push_back(problem_at(where, error.what()));
            return false;
        }
    };
    const bool has_certificate = try_to(file, [&] { certificate = load_certificate_pem(settings); });
    const bool has_key = try_to(settings.key_file(), [&] { key = load_key_pem(settings); });
    if (!has_certificate || !has_key) return;
    if (!try_to(file, [&] { make_tls_context(certificate, view(key)); })) return;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (Problem& problem : certificate_problems(settings, now, NameService::ask))
        problems.push_back(std::move(problem));
}

// Why nothing can be made on the file system of `directory`, which is `path`; empty if there is room. A file
// system without a number of inodes makes them as it needs them.
std::string no_room(int directory, const std::string& path)
{
    struct statvfs status {};
    if (::fstatvfs(directory, &status) != 0) return {};
    if ((status.f_flag & ST_RDONLY) != 0) return "the file system is read-only";
    if (status.f_files > 0 && status.f_favail == 0)
        return "the file system has no inode left (df -i " + shell_word(path) + ")";
    if (status.f_blocks > 0 && status.f_bavail == 0)
        return "the file system has no space left (df " + shell_word(path) + ")";
    return {};
}

void check_homes(int tree, const std::string& root, const UsersTable& users, const ServiceAccounts& accounts,
                 Problems& problems)
{
    std::vector<std::string> homes;
    for (std::size_t i = 0; i < users.size(); ++i)
        homes.push_back(users.at(i).home);
    const auto found = home_problems(tree, root, homes, accounts.net);
    for (std::size_t i = 0; i < users.size(); ++i)
        if (!found[i].empty())
            problems.push_back({root + "/" + homes[i], "home of " + users.at(i).name + ": " + found[i]});
}

void check_tree(const Settings& settings, int data, const UsersTable* users, const ServiceAccounts& accounts,
                Problems& problems)
{
    const std::string root = settings.root_directory();
    const UniqueFd tree = open_directory(AT_FDCWD, root);
    const bool may_be_known = tree || errno == ENOENT;
    std::string problem = tree ? std::string{} : last_error_text();
    // Of another tree nothing else is worth saying.
    const std::string other =
        may_be_known ? tree_problem(tree_place(settings, data), tree ? tree.get() : -1) : std::string{};
    if (!other.empty()) problem = other;
    if (!problem.empty()) {
        problems.push_back({root, problem});
        return;
    }
    if (!openat2_works(tree.get()))
        problems.push_back(
            {"kernel", "openat2 (Linux 5.6) is not available: symbolic links in the tree are not followed"});
    if (users != nullptr) check_homes(tree.get(), root, *users, accounts, problems);
}

// The tree needs room for new directories; the data directory needs it for changes of users and session keys.
void check_room(const Settings& settings, Problems& problems)
{
    std::optional<dev_t> checked;
    for (const std::string& path : {settings.root_directory(), settings.data}) {
        struct stat status {};
        const UniqueFd directory = open_directory(AT_FDCWD, path);
        if (!directory || ::fstat(directory.get(), &status) != 0 || checked == status.st_dev) continue;
        checked = status.st_dev;
        if (const auto problem = no_room(directory.get(), path); !problem.empty())
            problems.push_back({path, problem});
    }
}

// The promises for acknowledged directories, and for changes of users and session keys.
TreePromise promises_of(const Settings& settings)
{
    TreePromise promise;
    const std::string root = settings.root_directory();
    if (const UniqueFd tree = open_directory(AT_FDCWD, root))
        promise = tree_promise(settings, root, tree.get());
    if (const UniqueFd data = open_directory(AT_FDCWD, settings.data))
        promise.promises.push_back({settings.data, durability_promise(data.get())});
    return promise;
}

void check_file_systems(const TreePromise& promise, Problems& problems)
{
    for (const auto& [path, its] : promise.promises)
        if (its.durable == Durable::never) problems.push_back({path, its.words});
    for (const Problem& problem : promise.problems)
        problems.push_back(problem);
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
                problems.push_back({"users.db", user.name + " cannot log in: the hash needs another pepper "
                                                            "than that of pepper-file, of which every "
                                                            "byte counts, line ends as well"});
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

// A directory that cannot be opened is a problem of its own, but a server may have had it open before.
void check_running_servers(const Arguments& arguments, Problems& problems)
{
    const OpenedDirectory tree = describe_now(arguments.settings.root_directory());
    const bool has_tree = tree.identity != DirectoryIdentity{};
    for (Problem& problem : differences_from_running_servers(arguments, describe_now(arguments.settings.data),
                                                             has_tree ? std::optional{tree} : std::nullopt))
        problems.push_back(std::move(problem));
}

Problems check(const Arguments& arguments)
{
    const Settings& settings = arguments.settings;
    Problems problems = arguments.problems;
    if (settings.data.empty()) return problems;
    if (auto problem = descriptor_problem(settings); !problem.empty())
        problems.push_back({"descriptors", std::move(problem)});
    check_lockdown(settings, problems);
    check_listening(arguments, problems);
    check_passive(arguments, problems);
    for (Problem& problem : time_problems(arguments))
        problems.push_back(std::move(problem));
    check_running_servers(arguments, problems);
    const std::optional<ServiceAccounts> found_accounts = check_accounts(settings, problems);
    const ServiceAccounts accounts = found_accounts.value_or(ServiceAccounts{});
    const UniqueFd data = open_directory(AT_FDCWD, settings.data);
    if (!data) {
        problems.push_back(
            {settings.data,
             last_error_text() +
                 (errno == ENOENT ? " (the first `ftpcd serve` or `ftpcd user add` makes it)" : "")});
        check_certificate(settings, problems);
        check_pepper(settings, nullptr, problems);
        return problems;
    }
    try { // its owner is known with the accounts only
        if (found_accounts) check_data(settings, data.get(), accounts, problems);
    } catch (const std::exception& error) {
        problems.push_back(problem_at(settings.data, error.what()));
    }
    check_kept_files(data.get(), settings.data, problems);
    UsersFile users{data.get(), settings.data, accounts.auth};
    for (Problem& problem : users.load())
        problems.push_back({settings.data + "/" + problem.where, problem.what});
    check_certificate(settings, problems);
    check_pepper(settings, users.table().get(), problems);
    check_tree(settings, data.get(), found_accounts ? users.table().get() : nullptr, accounts, problems);
    check_room(settings, problems);
    check_file_systems(promises_of(settings), problems);
    return problems;
}

} // namespace

int run_check(const std::vector<std::string>& words)
{
    const auto arguments =
        parse_or_help(words, SettingFlags::all, "check",
                      "Looks at settings, data directory, certificate, tree and kernel, and says all that is "
                      "wrong, a line each.\nChanges nothing. Exit status 1 if anything is wrong.",
                      {}, OnProblem::keep);
    if (!arguments) return exit_done;
    const Problems problems = check(*arguments);
    print_problems(problems);
    if (!problems.empty()) return exit_failed;
    std::cout << "ftpcd: nothing wrong with settings, data directory, certificate, tree and kernel\n"
                 "ftpcd: lockdown: "
              << lockdown_to_expect(arguments->settings).in_force << "\n";
    if (!arguments->settings.certificate.empty())
        std::cout << "ftpcd: certificate: " << printable(describe_chain(arguments->settings)) << "\n";
    for (const UnusableAddress& address : check_addresses(*arguments).left_out)
        std::cout << "ftpcd: left out: " << printable(address.words()) << "\n";
    for (const UnusableAddress& address : check_passive(*arguments).left_out)
        std::cout << "ftpcd: left out: " << printable(address.words()) << "\n";
    for (const std::string& line : describe_time(*arguments))
        std::cout << "ftpcd: " << printable(line) << "\n";
    for (const std::string& server : describe_running_servers(*arguments))
        std::cout << "ftpcd: running server: " << printable(server) << "\n";
    for (const auto& [path, promise] : promises_of(arguments->settings).promises)
        std::cout << "ftpcd: " << printable(path) << ": " << promise.words << "\n";
    return exit_done;
}

} // namespace ftpc::server
