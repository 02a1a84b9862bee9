// ftpcd user: a table of subcommands, and their common parts.

#include "server/admin/user_command.hpp"

#include "server/admin/in_force.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/crypto/digest.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string_view>

namespace ftpc::server {

namespace {

struct UserSubcommand {
    std::string_view name;
    int (*run)(const std::vector<std::string>& words);
    std::string_view about;
};

constexpr std::array subcommands{
    UserSubcommand{"add", run_user_add, "add a user and make the home directory"},
    UserSubcommand{"passwd", run_user_passwd, "give a user another password"},
    UserSubcommand{"del", run_user_del, "delete a user; the directories stay"},
    UserSubcommand{"lock", run_user_lock, "let a user log in no more, and end open connections"},
    UserSubcommand{"unlock", run_user_unlock, "let a locked user log in again"},
    UserSubcommand{"quota", run_user_quota, "set how many directories a user may have"},
    UserSubcommand{"list", run_user_list, "a line for each user: name, home, state"},
    UserSubcommand{"show", run_user_show, "all that is known of a user"},
};

void print_usage()
{
    std::cout << "Usage: ftpcd user SUBCOMMAND [NAME] [OPTIONS]\n\n"
                 "Changes users.db. A running server follows within a second.\n\n"
                 "Subcommands:\n";
    for (const UserSubcommand& subcommand : subcommands)
        std::cout << "  " << subcommand.name << std::string(10 - subcommand.name.size(), ' ')
                  << subcommand.about << "\n";
    std::cout << "\n`ftpcd user SUBCOMMAND --help` shows the options of each.\n";
}

[[noreturn]] void fail(const std::vector<Problem>& problems)
{
    throw std::runtime_error{problems_text(problems, "\nftpcd: ")};
}

} // namespace

int run_user(const std::vector<std::string>& words)
{
    if (words.empty())
        throw UsageError{"user needs one of: add, passwd, del, lock, unlock, quota, list, show"};
    const std::string& name = words.front();
    if (name == "--help" || name == "-h" || name == "help") {
        print_usage();
        return exit_done;
    }
    const auto found =
        std::find_if(subcommands.begin(), subcommands.end(),
                     [&](const UserSubcommand& subcommand) { return subcommand.name == name; });
    if (found == subcommands.end())
        throw UsageError{"there is no 'user " + printable(name) +
                         "'; there are add, passwd, del, lock, unlock, quota, list, show"};
    try {
        return found->run({words.begin() + 1, words.end()});
    } catch (const UsageError& error) {
        throw UsageError{error.what(), "user " + std::string{found->name}};
    }
}

namespace {

UserDatabase load_user_database(const Settings& settings, const ServiceAccounts& accounts,
                                DataDirectory directory)
{
    const int data = directory.data.get();
    UserDatabase database{accounts, std::move(directory), UsersFile{data, settings.data, accounts.auth}};
    if (const auto problems = database.users.load(); !problems.empty()) fail(problems);
    return database;
}

UserDatabase open_existing(const Settings& settings)
{
    // A mistyped --data must not be made, only to show that it has no users.
    if (::access(settings.data.c_str(), F_OK) != 0)
        throw std::runtime_error{settings.data + ": " + last_system_error().message() +
                                 " (the first `ftpcd user add` or `ftpcd serve` makes it)"};
    // A lost users.db must not become an empty one either: a running server would follow it.
    const ServiceAccounts accounts = find_service_accounts(settings);
    return load_user_database(settings, accounts, {open_data(settings, accounts), {}});
}

} // namespace

UserDatabase open_user_database(const Settings& settings)
{
    try {
        return open_existing(settings);
    } catch (const std::runtime_error& error) {
        // If DATA was moved away or mounted over, the directory that is there now must not be mended.
        print_problems(differences_of_path(settings.data));
        throw;
    }
}

namespace {

// If the tree was moved away, or another one mounted over it, a running server may still have the right one.
void open_tree_or_compare(const Settings& settings, const ServiceAccounts& accounts, DataDirectory& directory)
{
    try {
        open_tree(settings, accounts, directory);
    } catch (const std::runtime_error& error) {
        print_problems(differences_of_path(settings.data, settings.root_directory()));
        throw;
    }
}

} // namespace

UserDatabase open_user_database_and_tree(const Settings& settings)
{
    UserDatabase database = open_user_database(settings);
    open_tree_or_compare(settings, database.accounts, database.directory);
    return database;
}

UserDatabase open_or_make_user_database(const Settings& settings)
{
    const ServiceAccounts accounts = find_service_accounts(settings);
    DataDirectory directory{.data = open_data(settings, accounts), .tree = {}};
    open_tree_or_compare(settings, accounts, directory);
    const int data = directory.data.get();
    if (const auto made = ensure_users_file(data, accounts.auth); !made)
        fail({{settings.data + "/" + users_file_name, made.error().message()}});
    return load_user_database(settings, accounts, std::move(directory));
}

std::string user_name_argument(const Arguments& arguments)
{
    const auto names = arguments.positional();
    if (names.size() != 1) throw UsageError{"give the name of one user"};
    return user_name(names[0]);
}

std::string user_name(const std::string& text)
{
    if (!is_user_name(text))
        throw std::runtime_error{"'" + printable(text) + "' is " +
                                 make_error_code(Errc::bad_user_name).message()};
    return text;
}

std::optional<std::uint64_t> parse_max_dirs(const std::string& text)
{
    if (text == "default") return std::nullopt;
    if (text == "none") return 0;
    const auto count = parse_number<std::uint64_t>(text);
    if (!count) throw UsageError{"a limit of directories is a number, none or default"};
    if (*count == 0)
        throw UsageError{"a limit of 0 directories would be no limit; say none if that is meant"};
    return count;
}

void edit_users(UsersFile& users, const UsersFile::Edit& change, const std::function<void()>& undo)
{
    if (const auto problems = users.edit(change, undo); !problems.empty()) fail(problems);
}

void change_user(UsersFile& users, const std::string& name, const std::function<void(User&)>& change)
{
    edit_users(users, [&](const UsersTable& now) -> UsersFile::Edited {
        auto user = now.find(name);
        if (!user) return UsersFile::NoChange{no_such_user(name)};
        change(*user);
        user->generation = new_generation();
        return now.replacing(*user);
    });
}

namespace {

int exit_status(const Arguments& arguments, const UserDatabase& database,
                const std::optional<OpenedDirectory>& tree)
{
    const auto data = describe_opened(arguments.settings.data, database.directory.data.get());
    const auto problems = differences_from_running_servers(arguments, data, tree);
    print_problems(problems);
    return problems.empty() ? exit_done : exit_failed;
}

} // namespace

int exit_status_in_force(const Arguments& arguments, const UserDatabase& database)
{
    return exit_status(arguments, database, std::nullopt);
}

int exit_status_in_force_with_tree(const Arguments& arguments, const UserDatabase& database)
{
    const std::string root = arguments.settings.root_directory();
    return exit_status(arguments, database, describe_opened(root, database.directory.tree.get()));
}

bool has_password_hash(UsersFile& users, const std::string& name, const std::string& hash)
{
    if (!users.load().empty()) return false;
    const auto user = users.find(name);
    return user && user->password_hash == hash;
}

void say_done(const std::string& what)
{
    std::cout << what << "\n";
    if (!std::cout.flush())
        throw std::runtime_error{"done (" + what + "), but standard output could not be written"};
}

std::uint64_t new_generation()
{
    std::array<std::uint8_t, sizeof(std::uint64_t)> random{};
    fill_random(random);
    std::uint64_t generation = 0;
    std::memcpy(&generation, random.data(), random.size());
    return generation;
}

std::string no_such_user(const std::string& name)
{
    return "there is no user " + name;
}

} // namespace ftpc::server
