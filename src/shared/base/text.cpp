#include "shared/base/text.hpp"

#include "shared/base/error.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ftpc {

namespace {

// The code point that `text` begins with, and its length in bytes; length 0 if it is not well-formed.
struct CodePoint {
    std::uint32_t value;
    std::size_t bytes;
};

CodePoint first_code_point(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return {lead, 1};
    const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {0, 0};
    std::uint32_t value = lead & (0x7FU >> bytes);
    for (const char c : text.substr(1, bytes - 1)) {
        const auto next = static_cast<unsigned char>(c);
        if ((next & 0xC0U) != 0x80) return {0, 0};
        value = value << 6 | (next & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < smallest[bytes] || value > 0x10FFFF || surrogate) return {0, 0};
    return {value, bytes};
}

bool is_control(std::uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}

// Characters that reorder or hide the text around them on a terminal, or take no place. They follow the data
// files of Unicode 15: Default_Ignorable_Code_Point, Noncharacter_Code_Point, Bidi_Control, and the
// categories Zl and Zp. The rest are format characters (Cf) that are not seen, and two symbols that look like
// a space (U+2800, U+1D159).
bool misleads(std::uint32_t code_point)
{
    struct Range {
        std::uint32_t first, last;
    };
    static constexpr std::array<Range, 20> ranges{
        {{0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x061C, 0x061C},   {0x115F, 0x1160},   {0x17B4, 0x17B5},
         {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0x2800, 0x2800},
         {0x3164, 0x3164},   {0xFDD0, 0xFDEF},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
         {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3}, {0x1D159, 0x1D159}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}}};
    const auto holds = [&](const Range& range) {
        return code_point >= range.first && code_point <= range.last;
    };
    const bool noncharacter = (code_point & 0xFFFEU) == 0xFFFE;
    return noncharacter || std::any_of(ranges.begin(), ranges.end(), holds);
}

// Looks at the code points of a text, one after the other, for what must not be shown as it is.
class Visibility {
public:
    // Whether the next code point can be seen, and does nothing else.
    bool is_seen(std::uint32_t code_point)
    {
        const bool selector = code_point >= 0xFE00 && code_point <= 0xFE0F;
        const bool seen = selector ? takes_selector_ : !is_control(code_point) && !misleads(code_point);
        // A variation selector chooses the look of a symbol or ideograph; anywhere else nothing shows it.
        const bool symbol = code_point >= 0x2010 || code_point == 0xA9 || code_point == 0xAE;
        takes_selector_ = seen && !selector && symbol;
        return seen;
    }

private:
    bool takes_selector_ = false;
};

// Gives each code point of `text` to `seen` or, if it must not be shown as it is, to `hidden`, which also
// gets its value. A byte that belongs to no code point is given to `hidden` alone, with a length of 0.
template <class Seen, class Hidden>
void part_by_visibility(std::string_view text, const Seen& seen, const Hidden& hidden)
{
    Visibility visibility;
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        const std::string_view bytes = text.substr(0, std::max<std::size_t>(point.bytes, 1));
        // U+0000 in place of what is none: no selector may follow it.
        if (visibility.is_seen(point.bytes == 0 ? 0 : point.value))
            seen(bytes);
        else
            hidden(bytes, point);
        text.remove_prefix(bytes.size());
    }
}

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint32_t replacement_character = 0xFFFD;

// "\xe2\x80\xae"
void append_bytes(std::string& out, std::string_view bytes)
{
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    }
}

// "\u202e"; above U+FFFF two of them (RFC 8259 §7).
void append_json_escape(std::string& out, std::uint32_t code_point)
{
    if (code_point >= 0x10000) {
        append_json_escape(out, 0xD800 + ((code_point - 0x10000) >> 10));
        append_json_escape(out, 0xDC00 + ((code_point - 0x10000) & 0x3FF));
        return;
    }
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U})
        out += hex_digits[code_point >> shift & 15];
}

} // namespace

bool is_printable_ascii(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F; });
}

bool is_utf8(std::string_view text)
{
    while (!text.empty()) {
        const CodePoint point = first_code_point(text);
        if (point.bytes == 0) return false;
        text.remove_prefix(point.bytes);
    }
    return true;
}

std::string_view first_bytes(std::string_view utf8, std::size_t most)
{
    if (utf8.size() <= most) return utf8;
    const auto continues = [&](std::size_t at) {
        return (static_cast<unsigned char>(utf8[at]) & 0xC0U) == 0x80;
    };
    while (most > 0 && continues(most))
        --most;
    return utf8.substr(0, most);
}

bool has_control_character(std::string_view utf8)
{
    while (!utf8.empty()) {
        const CodePoint point = first_code_point(utf8);
        if (point.bytes == 0 || is_control(point.value)) return true;
        utf8.remove_prefix(point.bytes);
    }
    return false;
}

bool is_user_name(std::string_view name)
{
    const auto first = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const auto rest = [&](char c) { return first(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
    return !name.empty() && name.size() <= max_user_name_bytes && first(name.front()) &&
           std::all_of(name.begin(), name.end(), rest);
}

bool is_realm(std::string_view name)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
               c == '-';
    };
    return !name.empty() && name.size() <= max_realm_bytes && std::all_of(name.begin(), name.end(), allowed);
}

Result<void> check_password(std::string_view password)
{
    if (password.empty()) return Errc::empty_password;
    if (password.size() > max_password_bytes) return Errc::long_password;
    if (!is_utf8(password)) return Errc::not_utf8;
    return {};
}

std::string printable(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    part_by_visibility(
        text, [&](std::string_view seen) { out += seen == "\\" ? "\\\\" : seen; },
        [&](std::string_view hidden, const CodePoint&) { append_bytes(out, hidden); });
    return out;
}

std::string printable_lines(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    part_by_visibility(
        text, [&](std::string_view seen) { out += seen; },
        [&](std::string_view hidden, const CodePoint&) {
            if (hidden == "\n" || hidden == "\t")
                out += hidden;
            else
                append_bytes(out, hidden);
        });
    return out;
}

std::string printable_json(std::string_view json)
{
    std::string out;
    out.reserve(json.size());
    part_by_visibility(
        json, [&](std::string_view seen) { out += seen; },
        [&](std::string_view, const CodePoint& point) {
            append_json_escape(out, point.bytes == 0 ? replacement_character : point.value);
        });
    return out;
}

bool is_seen_as_it_is(std::string_view text)
{
    bool all_seen = true;
    part_by_visibility(
        text, [](std::string_view) {}, [&](std::string_view, const CodePoint&) { all_seen = false; });
    return all_seen;
}

std::string shell_word(std::string_view text)
{
    constexpr std::string_view harmless =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:,=@%+-";
    if (!text.empty() && text.find_first_not_of(harmless) == std::string_view::npos) return std::string{text};
    std::string word = "'";
    for (const char c : text)
        word += c == '\'' ? std::string{R"('"'"')"} : std::string(1, c); // printable() doubles a backslash
    return word + "'";
}

} // namespace ftpc
