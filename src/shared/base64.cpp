#include "shared/base64.hpp"

#include "shared/error.hpp"

namespace ftpc {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_digits = "0123456789abcdef";

std::size_t decoded_size(std::string_view text)
{
    return text.size() / 4 * 3 + text.size() % 4 * 3 / 4;
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

Result<std::vector<std::uint8_t>> base64_decode(std::string_view text)
{
    std::vector<std::uint8_t> bytes(decoded_size(text));
    const auto done = base64_decode_into(text, bytes);
    if (!done) return done.error();
    return bytes;
}

Result<void> base64_decode_into(std::string_view text, std::span<std::uint8_t> out)
{
    if (text.size() % 4 == 1 || decoded_size(text) != out.size()) return Errc::bad_base64;
    std::uint32_t bits = 0;
    unsigned held = 0;
    std::size_t written = 0;
    for (const char c : text) {
        const auto value = alphabet.find(c);
        if (value == std::string_view::npos) return Errc::bad_base64;
        bits = bits << 6 | static_cast<std::uint32_t>(value);
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
        const auto high = hex_digits.find(text[2 * i]);
        const auto low = hex_digits.find(text[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return Errc::bad_argument;
        out[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return {};
}

} // namespace ftpc
