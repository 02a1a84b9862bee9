// The common parts of the subcommands of `ftpcd user`. Each is a file of its own. On failure it throws
// std::runtime_error with one line for the administrator; then nothing is changed, unless the line says so.
#pragma once

#include "server/config/command_line.hpp"
#include "server/directories/data_directory.hpp"
#include "server/users/users_file.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

struct UserDatabase {
    ServiceAccounts accounts;
    DataDirectory directory;
    UsersFile users;
};

// Opens DATA and reads users.db. Throws when DATA is not there, or users.db has a problem, naming all of
// them, and the running server if that has another DATA open. The tree is not touched: nobody is locked out
// of locking a user because it hangs.
UserDatabase open_user_database(const Settings& settings);

// The same, and opens the tree.
UserDatabase open_user_database_and_tree(const Settings& settings);

// That, making DATA, users.db and the tree on first use: for `user add`.
UserDatabase open_or_make_user_database(const Settings& settings);

// The one NAME that a subcommand takes. Throws UsageError when there is none or more, std::runtime_error when
// it is no user name.
std::string user_name_argument(const Arguments& arguments);

// `text` if it is a user name; throws std::runtime_error when it is none.
std::string user_name(const std::string& text);

// A limit of directories as an administrator gives it: a number, "none" (which is 0) or "default" (which is
// no limit of the user's own). Throws UsageError for anything else.
std::optional<std::uint64_t> parse_max_dirs(const std::string& text);

// Changes users.db. Throws with its problems when it was not changed; `undo` as in UsersFile::edit.
void edit_users(
    UsersFile& users, const UsersFile::Edit& change, const std::function<void()>& undo = [] {});

// Changes the user `name`, and gives the user a new generation, which ends earlier logins. Throws when there
// is no such user.
void change_user(UsersFile& users, const std::string& name, const std::function<void(User&)>& change);

// The exit status of a subcommand that is done. exit_failed, with a line on standard error, if a running
// server has another DATA open than `database`: the command has no effect there.
int exit_status_in_force(const Arguments& arguments, const UserDatabase& database);

// The same for a subcommand that has also used the tree.
int exit_status_in_force_with_tree(const Arguments& arguments, const UserDatabase& database);

// Whether users.db, read anew, has the user with that hash.
bool has_password_hash(UsersFile& users, const std::string& name, const std::string& hash);

// Reports the change on standard output. Throws std::runtime_error, which says the same, when that cannot be
// written.
void say_done(const std::string& what);

// A random number, which no earlier generation of the user was.
std::uint64_t new_generation();

// "there is no user bob"
std::string no_such_user(const std::string& name);

// ---- the subcommands: arguments without the subcommand's name, exit status
int run_user_add(const std::vector<std::string>& words);
int run_user_passwd(const std::vector<std::string>& words);
int run_user_del(const std::vector<std::string>& words);
int run_user_lock(const std::vector<std::string>& words);
int run_user_unlock(const std::vector<std::string>& words);
int run_user_list(const std::vector<std::string>& words);
int run_user_quota(const std::vector<std::string>& words);
int run_user_show(const std::vector<std::string>& words);

} // namespace ftpc::server
