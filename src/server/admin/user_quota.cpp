#include "server/admin/user_command.hpp"

#include <stdexcept>

namespace ftpc::server {

namespace {

std::string limit_text(const std::optional<std::uint64_t>& max_dirs)
{
    if (!max_dirs) return "as the setting max-dirs says";
    if (*max_dirs == 0) return "no limit";
    return "at most " + std::to_string(*max_dirs) + (*max_dirs == 1 ? " directory" : " directories");
}

} // namespace

int run_user_quota(const std::vector<std::string>& words)
{
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "user quota NAME N|none|default",
        "Sets how many directories the home of a user may hold: N, any number (none), or as many as the "
        "setting\nmax-dirs says (default). Counts at once, also for open connections. What is there stays.");
    if (!arguments) return exit_done;
    const auto given = arguments->positional();
    if (given.size() != 2) throw UsageError{"give the name of one user, and N, none or default"};
    const std::string name = user_name(given[0]);
    const auto max_dirs = parse_max_dirs(given[1]);
    UserDatabase database = open_user_database(arguments->settings);
    // The generation stays: nobody has to log in again.
    edit_users(database.users, [&](const UsersTable& now) -> UsersFile::Edited {
        auto user = now.find(name);
        if (!user) return UsersFile::NoChange{no_such_user(name)};
        user->max_dirs = max_dirs;
        return now.replacing(*user);
    });
    say_done(name + ": " + limit_text(max_dirs));
    return exit_status_in_force(*arguments, database);
}

} // namespace ftpc::server
