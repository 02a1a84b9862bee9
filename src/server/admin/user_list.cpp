#include "server/admin/user_command.hpp"

#include <iostream>

namespace ftpc::server {

int run_user_list(const std::vector<std::string>& words)
{
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "user list",
        "Prints a line for each user, by name: name, home, and `active` or `locked`, with tabs between.");
    if (!arguments) return exit_done;
    const UserDatabase database = open_user_database(arguments->settings);
    const UsersTable& users = *database.users.table();
    for (std::size_t place = 0; place < users.size(); ++place) {
        const User user = users.at(place);
        std::cout << user.name << "\t" << user.home << "/\t" << (user.locked ? "locked" : "active") << "\n";
    }
    return exit_status_in_force(*arguments, database);
}

} // namespace ftpc::server
