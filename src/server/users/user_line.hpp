// One line of users.db, as pure functions.
//
//   user <name> <PHC hash> <home> [generation=<16 hex>] [locked] [max-dirs=<n>]
//   realm <name>
//
// Without generation= it follows from the hash. Words are parted by spaces or tabs, one or several. Lines
// that are empty or begin with `#` say nothing. They end with LF or CR LF (shared/base/text_lines.hpp).
#pragma once

#include "server/users/user_store.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace ftpc::server {

inline constexpr std::size_t max_users_line_bytes = 2048; // without its line end
inline constexpr std::size_t max_home_bytes = 512;

// The fault of a line: a sentence without a full stop, for the administrator.
struct BadLine {
    std::string reason;
};

// Nothing to read: blank, or a comment.
bool says_nothing(std::string_view line);

// Parts the first word from the rest; both empty when there is none.
struct Words {
    std::string_view first;
    std::string_view rest;
};
Words take_word(std::string_view line);

// Relative, well-formed UTF-8 without white space or control characters, no empty, "." or ".." component,
// each at most 255 bytes, at most 512 in all.
bool is_home(std::string_view home);

// A whole line, the word `user` included.
std::variant<User, BadLine> parse_user_line(std::string_view line);

// The line that parses back to `user`, without line end.
std::string user_line(const User& user);

} // namespace ftpc::server
