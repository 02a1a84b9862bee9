// Gets a user's new password from the terminal, standard input, or the random generator.
#pragma once

#include "server/config/settings.hpp"
#include "shared/crypto/secret.hpp"

#include <functional>
#include <string>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>

namespace ftpc::server {

// --password-stdin and --generate
void add_password_options(boost::program_options::options_description& options);

struct NewPassword {
    SecretText text;
    bool generated = false; // nobody knows it yet: it must be shown
};

// Asks twice at the terminal unless an option says otherwise. Throws UsageError for both options together,
// and std::runtime_error when there is no terminal, the two differ, or it is no password
// (shared/base/text.hpp).
NewPassword choose_password(const boost::program_options::variables_map& values, const std::string& user);

// A random password of 118 bits that survives being read aloud and typed: groups of lower-case letters and
// digits without those that look alike.
SecretText generate_password();

// The PHC text that users.db stores, with the cost and the pepper of the settings. Throws std::runtime_error
// when the pepper file cannot be read.
std::string hash_new_password(const SecretText& password, const std::string& realm, const std::string& user,
                              const Settings& settings);

// Shows a generated password on standard output, and calls `commit` only after it is written. A password that
// nobody has seen is never in force. A chosen password is not shown. Throws std::runtime_error when it cannot
// be written. If `commit` throws one, and `in_force` says that the password has no effect, so does the
// message.
void show_and_commit(const NewPassword& password, const std::function<void()>& commit,
                     const std::function<bool()>& in_force);

} // namespace ftpc::server
