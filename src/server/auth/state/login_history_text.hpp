// DATA/login-history: the memory of logins (login_history.hpp) and of failed ones (login_limiter.hpp), over a
// restart and for `ftpcd why`. Lines of words:
//
//   user NAME GENERATION                             16 hexadecimal digits
//   known NETWORK SECONDS                            of the user above, as are the next two
//   good SECONDS ADDRESS METHOD
//   failed SECONDS TIMES ADDRESS METHOD REASON...
//   address NETWORK FORGOTTEN PENALTY-END            milliseconds since 1970
//   account KEY FORGOTTEN DELAY-END                  account_key() in hexadecimal
#pragma once

#include "server/auth/state/login_history.hpp"
#include "server/auth/state/login_limiter.hpp"
#include "shared/base/result.hpp"

#include <string>
#include <string_view>

namespace ftpc::server {

inline constexpr const char* login_history_file_name = "login-history";
inline constexpr std::size_t max_login_history_bytes = std::size_t{16} << 20U;

struct SavedLogins {
    LoginHistory::Users users;
    LoginLimiter::State limiter;
    friend bool operator==(const SavedLogins&, const SavedLogins&) = default;
};

std::string login_history_text(const LoginHistory::Users& users, const LoginLimiter::State& limiter);

// The same in parts, in this order: the header, the users in the order of their names, the limiter.
std::string login_history_header();
void append_user_logins(std::string& text, const std::string& name, const UserLogins& logins);
void append_limiter(std::string& text, const LoginLimiter::State& limiter);

// Fails with Errc::bad_argument for anything that login_history_text() does not print, beyond its bounds too.
Result<SavedLogins> parse_login_history(std::string_view text);

// Reads the file in the open directory `data`; a missing one has nothing in it. Fails as read_private_file()
// and parse_login_history() do.
Result<SavedLogins> read_login_history(int data);

} // namespace ftpc::server
