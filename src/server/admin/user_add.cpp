#include "server/admin/home_directory.hpp"
#include "server/admin/in_force.hpp"
#include "server/admin/new_password.hpp"
#include "server/admin/user_command.hpp"
#include "server/users/user_line.hpp"
#include "shared/base/text.hpp"

#include <unistd.h>

#include <iostream>
#include <optional>
#include <stdexcept>

#include <boost/program_options/value_semantic.hpp>

namespace ftpc::server {

namespace {

namespace po = boost::program_options;

po::options_description own_options()
{
    po::options_description options{"Options"};
    options.add_options()("home", po::value<std::string>()->value_name("DIR"),
                          "home directory, relative to the tree (NAME)")(
        "max-dirs", po::value<std::string>()->value_name("N|none|default"),
        "how many directories the home may hold (default: as the setting max-dirs says)");
    add_password_options(options);
    return options;
}

std::string home_option(const po::variables_map& values, const std::string& name)
{
    std::string home = values.count("home") == 0 ? name : values["home"].as<std::string>();
    if (home.substr(0, home.find('/')) == tree_marker_name)
        throw std::runtime_error{"'" + printable(home) +
                                 "' cannot be a home: a file of the server has this name"};
    if (values.count("home") == 0) return name;
    if (!home.empty() && home.back() == '/') home.pop_back();
    if (!is_home(home))
        throw std::runtime_error{
            "'" + printable(home) +
            "' cannot be a home: it must be a relative path without white space and without "
            "empty, '.' or '..' parts, at most 512 bytes"};
    return home;
}

std::optional<std::uint64_t> max_dirs_option(const po::variables_map& values)
{
    if (values.count("max-dirs") == 0) return std::nullopt;
    return parse_max_dirs(values["max-dirs"].as<std::string>());
}

// Without root, DATA is another directory, and a system's server does not have its users.
void point_to_system_data(const Settings& settings)
{
    if (::geteuid() == 0 || settings.data == system_data_directory) return;
    if (::access(system_data_directory, F_OK) != 0) return;
    std::cerr << "ftpcd: this user is in " << printable(settings.data)
              << "; the server of this system has its in " << system_data_directory
              << ", and root adds them\n";
}

std::string there_already(const std::string& name)
{
    return "there is a user " + name + " already";
}

// The note about a home that was there before.
std::string of_whom(const UsersTable& users, const std::string& home)
{
    for (std::size_t i = 0; i < users.size(); ++i)
        if (const User user = users.at(i); user.home == home)
            return "; it is the home of " + user.name + ", too";
    return "";
}

// Says on standard error if not. It may have been there before, or lie behind a directory that is closed.
bool home_can_be_used(const Settings& settings, const UserDatabase& database, const std::string& home)
{
    const std::string root = settings.root_directory();
    const auto problem = home_problem(database.directory.tree.get(), root, home, database.accounts.net);
    if (!problem.empty()) print_problems({{root + "/" + home, problem}});
    return problem.empty();
}

} // namespace

int run_user_add(const std::vector<std::string>& words)
{
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "user add NAME",
        "Adds a user and makes the home directory. Asks for the password at the terminal, twice.",
        own_options());
    if (!arguments) return exit_done;
    User user;
    user.name = user_name_argument(*arguments);
    user.home = home_option(arguments->values, user.name);
    user.max_dirs = max_dirs_option(arguments->values);
    UserDatabase database = open_or_make_user_database(arguments->settings);
    if (database.users.find(user.name)) throw std::runtime_error{there_already(user.name)};

    const NewPassword password = choose_password(arguments->values, user.name);
    const std::string realm = database.users.realm();
    user.password_hash = hash_new_password(password.text, realm, user.name, arguments->settings);
    user.generation = new_generation();
    MadeDirectories made;
    std::string home_of;
    const auto add = [&](const UsersTable& now) -> UsersFile::Edited {
        if (now.find(user.name)) return UsersFile::NoChange{there_already(user.name)};
        if (now.realm() != realm) return UsersFile::NoChange{"the realm was changed meanwhile; try again"};
        // Before the user is valid: nobody logs in to a home that is not there.
        made = make_home_directory(database.directory.tree.get(), user.home,
                                   arguments->settings.directory_mode, database.accounts.net);
        if (made.empty()) home_of = of_whom(now, user.home);
        return now.adding(user);
    };
    show_and_commit(
        password, [&] { edit_users(database.users, add, [&made] { remove_directories(made); }); },
        [&] { return has_password_hash(database.users, user.name, user.password_hash); });
    point_to_system_data(arguments->settings);
    say_done("added " + user.name + " (home " + user.home + "/" +
             (made.empty() ? ", which was there already" + home_of : "") + ")");
    const int in_force = exit_status_in_force_with_tree(*arguments, database);
    return home_can_be_used(arguments->settings, database, user.home) ? in_force : exit_failed;
}

} // namespace ftpc::server
