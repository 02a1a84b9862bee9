#include "server/admin/new_password.hpp"
#include "server/admin/user_command.hpp"

#include <stdexcept>

namespace ftpc::server {

int run_user_passwd(const std::vector<std::string>& words)
{
    boost::program_options::options_description options{"Options"};
    add_password_options(options);
    const auto arguments = parse_or_help(
        words, SettingFlags::of_users, "user passwd NAME",
        "Gives a user another password. Session keys end, and open connections are closed.", options);
    if (!arguments) return exit_done;
    const std::string name = user_name_argument(*arguments);
    UserDatabase database = open_user_database(arguments->settings);
    if (!database.users.find(name)) throw std::runtime_error{no_such_user(name)};

    const NewPassword password = choose_password(arguments->values, name);
    const std::string hash =
        hash_new_password(password.text, database.users.realm(), name, arguments->settings);
    show_and_commit(
        password, [&] { change_user(database.users, name, [&](User& user) { user.password_hash = hash; }); },
        [&] { return has_password_hash(database.users, name, hash); });
    say_done("changed the password of " + name);
    return exit_status_in_force(*arguments, database);
}

} // namespace ftpc::server
