// ftpcd user lock, ftpcd user unlock

#include "server/admin/user_command.hpp"

namespace ftpc::server {

namespace {

int set_locked(const std::vector<std::string>& words, bool locked, const std::string& usage,
               const std::string& about)
{
    const auto arguments = parse_or_help(words, SettingFlags::of_users, usage, about);
    if (!arguments) return exit_done;
    const std::string name = user_name_argument(*arguments);
    UserDatabase database = open_user_database(arguments->settings);
    change_user(database.users, name, [&](User& user) { user.locked = locked; });
    say_done((locked ? "locked " : "unlocked ") + name);
    return exit_status_in_force(*arguments, database);
}

} // namespace

int run_user_lock(const std::vector<std::string>& words)
{
    return set_locked(words, true, "user lock NAME",
                      "Lets a user log in no more. Session keys end, and open connections are closed.");
}

int run_user_unlock(const std::vector<std::string>& words)
{
    return set_locked(
        words, false, "user unlock NAME",
        "Lets a locked user log in again, with the password; session keys from before do not come back.");
}

} // namespace ftpc::server
