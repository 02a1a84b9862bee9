#include "server/admin/data_files.hpp"
#include "server/admin/home_directory.hpp"
#include "server/admin/in_force.hpp"
#include "server/admin/login_report.hpp"
#include "server/admin/user_command.hpp"
#include "server/users/password_hash.hpp"
#include "server/users/pepper.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"

#include <iostream>

namespace ftpc::server {

namespace {

std::string find_password_problem(const User& user, const Settings& settings, const std::string& flags)
{
    const std::string passwd = "ftpcd user passwd " + user.name + flags;
    const Pepper pepper{read_pepper_file(settings.pepper_file)};
    const auto hash = parse_password_hash(user.password_hash);
    if (!hash) return "the password hash in users.db is unreadable; mend with: " + passwd;
    if (hash->pepper && hash->pepper != pepper.id())
        return "the password was set with another pepper-file; mend with that file, or: " + passwd;
    return {};
}

std::string find_home_problem(const User& user, const UserDatabase& database, const Settings& settings)
{
    const std::string root = settings.root_directory();
    const std::string problem =
        home_problem(database.directory.tree.get(), root, user.home, database.accounts.net);
    return problem.empty() ? "" : "the home " + root + "/" + user.home + ": " + problem;
}

// An unreadable file is reported, and counts as empty.
SavedLogins saved_logins(int data)
{
    const auto saved = read_login_history(data);
    if (saved) return *saved;
    std::cerr << "ftpcd: " << login_history_file_name << " cannot be read: "
              << (saved.error() == Errc::bad_argument ? "it is damaged" : why_not_read(saved.error()))
              << "\n";
    return {};
}

std::vector<SessionKey> session_keys_of(int data, const std::string& name)
{
    const auto text = read_private_file(data, sessions_file_name, max_sessions_file_bytes);
    if (!text && text.error() != boost::system::errc::no_such_file_or_directory)
        std::cerr << "ftpcd: " << sessions_file_name << " cannot be read: " << why_not_read(text.error())
                  << "\n";
    std::vector<SessionKey> keys = parse_session_keys(text ? *text : std::string{}).keys;
    std::erase_if(keys, [&](const SessionKey& key) { return key.user != name; });
    return keys;
}

LoginFacts gather_facts(const std::string& name, const Arguments& arguments, const UserDatabase& database)
{
    const Settings& settings = arguments.settings;
    LoginFacts facts{.name = name,
                     .flags = arguments.flags_for_users(),
                     .user = database.users.find(name),
                     .password_problem = {},
                     .home_problem = {},
                     .saved = {},
                     .limits_addresses = settings.login_limit_address != 0,
                     .limits_accounts = settings.login_limit_account != 0,
                     .session_keys = {},
                     .session_ttl = settings.session_ttl,
                     .now = system_now()};
    if (!facts.user) return facts;
    facts.password_problem = find_password_problem(*facts.user, settings, facts.flags);
    facts.home_problem = find_home_problem(*facts.user, database, settings);
    facts.saved = saved_logins(database.directory.data.get());
    const LoginLimiter limiter{
        {settings.login_limit_address, settings.login_limit_account, settings.login_limit_forget}};
    facts.saved.limiter = limiter.bounded(std::move(facts.saved.limiter), facts.now);
    facts.session_keys = session_keys_of(database.directory.data.get(), name);
    return facts;
}

} // namespace

int run_why(const std::vector<std::string>& words)
{
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "why NAME",
        "Says whether the user can log in, as far as is known, and if not why; with the last good login, "
        "the\nlogins that failed and the session keys. Works while no server runs, too. Exit status 0: can "
        "log in,\n1: cannot, or not from everywhere, or there is no such user.");
    if (!arguments) return exit_done;
    const std::string name = user_name_argument(*arguments);
    const UserDatabase database = open_user_database_and_tree(arguments->settings);
    const int in_force = exit_status_in_force_with_tree(*arguments, database);
    const auto unreadable =
        find_data_problems(database.directory.data.get(), arguments->settings.data, database.accounts.auth);
    print_problems(unreadable);
    const LoginReport report = login_report(gather_facts(name, *arguments, database));
    for (const std::string& line : report.lines)
        std::cout << line << "\n";
    return report.can_log_in && unreadable.empty() ? in_force : exit_failed;
}

} // namespace ftpc::server
