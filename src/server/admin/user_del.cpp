#include "server/admin/user_command.hpp"

namespace ftpc::server {

int run_user_del(const std::vector<std::string>& words)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::of_users);
    if (arguments.help) {
        print_help("ftpcd user del NAME [OPTIONS]",
                   "Deletes a user. Session keys end, and open connections are closed; the directories stay.",
                   no_options, SettingFlags::of_users);
        return exit_done;
    }
    const std::string name = user_name_argument(arguments);
    UserDatabase database = open_user_database(arguments.settings);
    std::string home;
    edit_users(database.users, [&](const UsersTable& now) -> UsersFile::Edited {
        const auto user = now.find(name);
        if (!user) return UsersFile::NoChange{no_such_user(name)};
        home = user->home;
        return now.removing(name);
    });
    say_done("deleted " + name + " (the directories in " + home + "/ stay)");
    return exit_status_in_force(arguments, database);
}

} // namespace ftpc::server
