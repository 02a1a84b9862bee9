#include "server/time/time_text.hpp"

#include "shared/base/text.hpp"

#include <algorithm>

namespace ftpc::server {

namespace {

// No locale has a say in these, nor have flags and widths, which could make them as long as one likes.
constexpr std::string_view allowed_conversions = "aAbBcCdDeFgGhHIjmMprRsSTuUVwWxXyYzZ";

constexpr std::string_view refused = "?";

std::string_view without_line_end(std::string_view text)
{
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

bool is_allowed(std::string_view format)
{
    for (auto at = format.find('%'); at != std::string_view::npos; at = format.find('%', at + 2))
        if (at + 1 == format.size() || allowed_conversions.find(format[at + 1]) == std::string_view::npos)
            return false;
    return true;
}

// Ended by a NUL, as strftime wants it.
using Format = std::array<char, max_time_format_bytes + 1>;

Format ended(std::string_view format)
{
    Format text{};
    std::copy(format.begin(), format.end(), text.begin());
    return text;
}

} // namespace

std::string_view time_format_in(std::string_view datagram)
{
    // protection: time-format
    if (datagram.size() > max_time_format_bytes) return {};
    const std::string_view format = without_line_end(datagram);
    // protection: time-format-text
    if (format.find('%') == std::string_view::npos || has_control_character(format)) return {};
    return format;
}

std::string_view write_time(std::string_view format, std::size_t most, std::time_t now, TimeText& text)
{
    // protection: time-conversions
    if (!is_allowed(format)) return refused;
    std::tm parts{};
    if (::localtime_r(&now, &parts) == nullptr) return refused;
    const std::string_view written{text.data(),
                                   std::strftime(text.data(), text.size(), ended(format).data(), &parts)};
    // The zone's name comes from a file.
    const bool is_good = !written.empty() && written.find('%') == std::string_view::npos;
    // protection: time-text-length
    if (written.size() > most) return refused;
    return is_good ? written : refused;
}

} // namespace ftpc::server
