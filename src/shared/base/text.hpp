// Rules for text from outside: UTF-8, control characters, user names, passwords; and how it is shown again.
#pragma once

#include "shared/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpc {

inline constexpr std::size_t max_user_name_bytes = 32;
inline constexpr std::size_t max_password_bytes = 1024;
inline constexpr std::size_t max_realm_bytes = 64;

// Without control characters, and not even UTF-8 of more than a byte: most names are so as a whole.
bool is_printable_ascii(std::string_view text);

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// The first `most` bytes of well-formed UTF-8, or fewer if that would cut a character in two.
std::string_view first_bytes(std::string_view utf8, std::size_t most);

// U+0000-U+001F, U+007F or U+0080-U+009F anywhere in well-formed UTF-8.
bool has_control_character(std::string_view utf8);

// [a-z_][a-z0-9_.-]{0,31}
bool is_user_name(std::string_view name);

// The name of a user store: 1 to 64 characters of A-Z, a-z, 0-9, '_', '-' (docs/protocol.md §5).
bool is_realm(std::string_view name);

// Fails with Errc::empty_password, long_password or not_utf8. Passwords are not normalised.
Result<void> check_password(std::string_view password);

// Text safe to print on a terminal or in a log line. Control characters, bidirectional and other invisible
// characters, variation selectors that select nothing, and bytes that are not UTF-8 appear as \xHH. A
// backslash is doubled, so that no two texts look the same.
std::string printable(std::string_view text);

// The same for text of several lines that holds such text already: line ends, tabs and `\` stay.
std::string printable_lines(std::string_view text);

// JSON whose strings mean the same, with \uHHHH for every character that printable() would escape. For what a
// serialiser has made: without line ends.
std::string printable_json(std::string_view json);

// Whether printable() would escape nothing in `text`, apart from `\`.
bool is_seen_as_it_is(std::string_view text);

// `text` as one word of a command for a POSIX shell: in quotes if it needs them.
std::string shell_word(std::string_view text);

} // namespace ftpc
