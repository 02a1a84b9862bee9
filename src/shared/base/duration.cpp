#include "shared/base/duration.hpp"

#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"

#include <array>

namespace ftpc {

namespace {

struct Unit {
    char letter;
    std::int64_t seconds;
};
constexpr std::array units{Unit{'d', 86400}, Unit{'h', 3600}, Unit{'m', 60}, Unit{'s', 1}};
constexpr std::int64_t longest_seconds = 3650LL * 86400;

} // namespace

Result<std::chrono::seconds> parse_duration(std::string_view text)
{
    std::int64_t unit_seconds = 1;
    for (const Unit& unit : units) {
        if (text.empty() || text.back() != unit.letter) continue;
        unit_seconds = unit.seconds;
        text.remove_suffix(1);
        break;
    }
    const auto count = parse_number<std::int64_t>(text, 1, longest_seconds / unit_seconds);
    if (!count) return Errc::bad_argument;
    return std::chrono::seconds{*count * unit_seconds};
}

std::string duration_text(std::chrono::seconds length)
{
    for (const Unit& unit : units)
        if (length.count() % unit.seconds == 0)
            return std::to_string(length.count() / unit.seconds) + unit.letter;
    return std::to_string(length.count()) + 's';
}

} // namespace ftpc
