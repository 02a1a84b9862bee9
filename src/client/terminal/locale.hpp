// The order and the characters of the user's locale.
#pragma once

#include <string>
#include <string_view>

namespace ftpc::client {

// Takes the order of names and the character set from the environment (LC_ALL, LC_COLLATE, LC_CTYPE, LANG).
// Messages and numbers stay as they are. Without it, or if there is no such locale, it is the locale C.
void use_locale_of_user();

// Whether `a` comes before `b` (strcoll(3)). Names that the locale takes for equal are compared bytewise.
bool comes_before(const std::string& a, const std::string& b);

// Whether the terminal shows UTF-8, and with it more than ASCII.
bool has_utf8_locale();

// The columns that `text` takes on a terminal (wcwidth(3)). If it is not text of the locale, each character
// of UTF-8 counts as one.
std::size_t columns_of(std::string_view text);

} // namespace ftpc::client
