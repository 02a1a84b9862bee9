// ftpcd user lock, ftpcd user unlock

#include "server/admin/user_command.hpp"

namespace ftpc::server {

namespace {

int set_locked(const std::vector<std::string>& words, bool locked, const std::string& usage,
               const std::string& about)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::of_users);
    if (arguments.help) {
        print_help(usage, about, no_options, SettingFlags::of_users);
        return exit_done;
    }
    const std::string name = user_name_argument(arguments);
    UserDatabase database = open_user_database(arguments.settings);
    change_user(database.users, name, [&](User& user) { user.locked = locked; });
    say_done((locked ? "locked " : "unlocked ") + name);
    return exit_status_in_force(arguments, database);
}

} // namespace

int run_user_lock(const std::vector<std::string>& words)
{
    return set_locked(words, true, "ftpcd user lock NAME [OPTIONS]",
                      "Lets a user log in no more. Session keys end, and open connections are closed.");
}

int run_user_unlock(const std::vector<std::string>& words)
{
    return set_locked(
        words, false, "ftpcd user unlock NAME [OPTIONS]",
        "Lets a locked user log in again, with the password; session keys from before do not come back.");
}

} // namespace ftpc::server
