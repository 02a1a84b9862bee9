#include "shared/base/base64.hpp"

#include "shared/base/error.hpp"

#include <array>

namespace ftpc {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789abcdef";

// The place of each character in `digits`, no_digit for all others. Searching the text of the digits for each
// character would show with a million users.
constexpr std::uint8_t no_digit = 0xFF;
using Values = std::array<std::uint8_t, 256>;
constexpr Values values_of(std::string_view digits)
{
    Values values{};
    values.fill(no_digit);
    for (std::size_t i = 0; i < digits.size(); ++i)
        values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}
constexpr Values base64_values = values_of(alphabet);
constexpr Values hex_values = values_of(hex_digits);

std::uint8_t value_of(const Values& values, char digit)
{
    return values[static_cast<unsigned char>(digit)];
}

} // namespace

std::string base64_encode(std::span<const std::uint8_t> bytes)
{
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const std::uint8_t byte : bytes) {
        bits = bits << 8 | byte;
        for (held += 8; held >= 6; held -= 6)
            text += alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0) text += alphabet[bits << (6 - held) & 63];
    return text;
}

Result<void> base64_decode_into(std::string_view text, std::span<std::uint8_t> out)
{
    const std::size_t decoded_size = text.size() / 4 * 3 + text.size() % 4 * 3 / 4;
    if (text.size() % 4 == 1 || decoded_size != out.size()) return Errc::bad_base64;
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t written = 0;
    for (const char c : text) {
        const std::uint8_t value = value_of(base64_values, c);
        if (value == no_digit) return Errc::bad_base64;
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[written++] = static_cast<std::uint8_t>(bits >> held);
        }
    }
    const std::uint32_t unused = bits & ((1U << held) - 1);
    if (unused != 0) return Errc::bad_base64;
    return {};
}

std::string hex_encode(std::span<const std::uint8_t> bytes)
{
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t byte : bytes) {
        text += hex_digits[byte >> 4];
        text += hex_digits[byte & 15];
    }
    return text;
}

Result<void> hex_decode_into(std::string_view text, std::span<std::uint8_t> out)
{
    if (text.size() != out.size() * 2) return Errc::bad_argument;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint8_t high = value_of(hex_values, text[2 * i]);
        const std::uint8_t low = value_of(hex_values, text[2 * i + 1]);
        if (high == no_digit || low == no_digit) return Errc::bad_argument;
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return {};
}

std::string hex_encode(std::uint64_t number)
{
    std::array<std::uint8_t, sizeof number> bytes{};
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, number >>= 8U)
        *byte = static_cast<std::uint8_t>(number);
    return hex_encode(bytes);
}

Result<std::uint64_t> hex_decode_number(std::string_view text)
{
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
    if (const auto decoded = hex_decode_into(text, bytes); !decoded) return decoded.error();
    std::uint64_t number = 0;
    for (const std::uint8_t byte : bytes)
        number = number << 8U | byte;
    return number;
}

} // namespace ftpc
