// The reasons why a user can or cannot log in, in words for the administrator. Pure: `ftpcd why` gathers
// the facts.
#pragma once

#include "server/auth/state/login_history_text.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/users/user_store.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

struct LoginFacts {
    std::string name;
    std::string flags; // for the commands that the report names (Arguments::flags_for_users)
    std::optional<User> user;
    std::string password_problem; // with the stored hash, for any password; empty: none
    std::string home_problem;     // with the home directory
    SavedLogins saved;
    bool limits_addresses = true;         // login-limit-address
    bool limits_accounts = true;          // login-limit-account
    std::vector<SessionKey> session_keys; // of the user
    std::chrono::seconds session_ttl = Settings{}.session_ttl;
    Moment now;
};

struct LoginReport {
    bool can_log_in = false; // from wherever the user may be, as far as is known
    std::vector<std::string> lines;
};

// Wrong passwords and keys that have ended are told but do not stand in the way: the next try may be right. A
// limited address does if the user has logged in from it, or has never logged in anywhere and has failed from
// it. Other addresses may belong to somebody else.
LoginReport login_report(const LoginFacts& facts);

// "2026-11-29T10:15:00Z"
std::string utc_time_text(std::uint64_t seconds);

} // namespace ftpc::server
