// Whole numbers as text.
#pragma once

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace ftpc {

// `text` as a whole is a number from `least` to `most`: digits only, without white space or a plus sign. None
// for anything else.
template <std::integral T>
std::optional<T> parse_number(std::string_view text, std::type_identity_t<T> least = 0,
                              std::type_identity_t<T> most = std::numeric_limits<T>::max(), int base = 10)
{
    T number{};
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc{} || stopped != end || number < least || number > most) return std::nullopt;
    return number;
}

// A number of any size.
inline bool is_digits(std::string_view text)
{
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace ftpc
