#include "server/admin/user_command.hpp"

#include <iostream>

namespace ftpc::server {

int run_user_list(const std::vector<std::string>& words)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::of_users);
    if (arguments.help) {
        print_help(
            "ftpcd user list [OPTIONS]",
            "Prints a line for each user, by name: name, home, and `active` or `locked`, with tabs between.",
            no_options, SettingFlags::of_users);
        return exit_done;
    }
    if (!arguments.positional().empty()) throw UsageError{"user list takes no arguments"};
    const UserDatabase database = open_user_database(arguments.settings);
    const UsersTable& users = *database.users.table();
    for (std::size_t place = 0; place < users.size(); ++place) {
        const User user = users.at(place);
        std::cout << user.name << "\t" << user.home << "/\t" << (user.locked ? "locked" : "active") << "\n";
    }
    return exit_status_in_force(arguments, database);
}

} // namespace ftpc::server
