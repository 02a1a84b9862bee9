#include "server/admin/user_command.hpp"

namespace ftpc::server {

int run_user_del(const std::vector<std::string>& words)
{
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "user del NAME",
        "Deletes a user. Session keys end, and open connections are closed; the directories stay.");
    if (!arguments) return exit_done;
    const std::string name = user_name_argument(*arguments);
    UserDatabase database = open_user_database(arguments->settings);
    std::string home;
    edit_users(database.users, [&](const UsersTable& now) -> UsersFile::Edited {
        const auto user = now.find(name);
        if (!user) return UsersFile::NoChange{no_such_user(name)};
        home = user->home;
        return now.removing(name);
    });
    say_done("deleted " + name + " (the directories in " + home + "/ stay)");
    return exit_status_in_force(*arguments, database);
}

} // namespace ftpc::server
