#include "server/admin/home_directory.hpp"
#include "server/admin/login_report.hpp"
#include "server/admin/user_command.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/auth/state/session_keys.hpp"
#include "server/storage/beneath.hpp"
#include "server/storage/count_directories.hpp"
#include "server/users/password_hash.hpp"
#include "shared/base/base64.hpp"

#include <fcntl.h>

#include <array>
#include <chrono>
#include <iostream>
#include <stdexcept>

namespace ftpc::server {

namespace {

std::string hash_text(const std::string& phc)
{
    const auto hash = parse_password_hash(phc);
    if (!hash) return "unreadable";
    return "scrypt ln=" + std::to_string(hash->cost.ln) + " r=" + std::to_string(hash->cost.r) +
           " p=" + std::to_string(hash->cost.p) +
           (hash->pepper ? ", with pepper " + hex_encode(*hash->pepper) : std::string{", without pepper"});
}

void print_session_keys(int data, const User& user, std::chrono::seconds session_ttl)
{
    const auto text = read_private_file(data, sessions_file_name, max_sessions_file_bytes);
    if (!text && text.error() != boost::system::errc::no_such_file_or_directory) {
        std::cout << "session keys  cannot be read: " << why_not_read(text.error()) << "\n";
        return;
    }
    std::size_t count = 0;
    for (const SessionKey& key : parse_session_keys(text ? *text : std::string{}).keys) {
        if (key.user != user.name || key.generation != user.generation ||
            state_of(key, system_clock_seconds(), session_ttl) != KeyState::good)
            continue;
        std::cout << "session key   " << hex_encode(key.id) << " created " << utc_time_text(key.created)
                  << " expires " << utc_time_text(end_of(key, session_ttl)) << "\n";
        ++count;
    }
    if (count == 0) std::cout << "session keys  none\n";
}

void print(const User& user, const std::string& home_problem)
{
    std::cout << "name          " << user.name << "\n"
              << "home          " << user.home << "/"
              << (home_problem.empty() ? "" : " (" + home_problem + ")") << "\n"
              << "state         " << (user.locked ? "locked" : "active") << "\n"
              << "password      " << hash_text(user.password_hash) << "\n"
              << "generation    " << hex_encode(user.generation) << "\n";
}

std::string used_text(int tree, const User& user)
{
    const auto home = open_beneath(tree, user.home, O_RDONLY);
    if (!home) return "cannot be counted: " + home.error().message();
    const auto used = count_directories(home->get());
    return used ? std::to_string(*used) : "cannot be counted: " + used.error().message();
}

void print_directories(int tree, const User& user, const Settings& settings)
{
    const std::uint64_t allowed = user.max_dirs.value_or(settings.max_dirs);
    std::cout << "directories   " << used_text(tree, user) << ", "
              << (allowed == 0 ? "no limit" : "at most " + std::to_string(allowed))
              << (user.max_dirs ? "" : " (by the setting max-dirs)") << "\n";
}

} // namespace

int run_user_show(const std::vector<std::string>& words)
{
    const auto arguments =
        parse_or_help(words, SettingFlags::of_users, "user show NAME",
                      "Prints home, state, cost of the password hash, generation (another one after each "
                      "change of the\nuser), directories used and allowed, and session keys.");
    if (!arguments) return exit_done;
    const std::string name = user_name_argument(*arguments);
    const UserDatabase database = open_user_database_and_tree(arguments->settings);
    const auto user = database.users.find(name);
    if (!user) throw std::runtime_error{no_such_user(name)};
    print(*user, home_problem(database.directory.tree.get(), arguments->settings.root_directory(), user->home,
                              database.accounts.net));
    print_directories(database.directory.tree.get(), *user, arguments->settings);
    print_session_keys(database.directory.data.get(), *user, arguments->settings.session_ttl);
    return exit_status_in_force_with_tree(*arguments, database);
}

} // namespace ftpc::server
