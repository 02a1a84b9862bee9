#include "client/clock/time_text.hpp"

#include "shared/base/utc_time.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace ftpc::client {

namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t longest_text = std::size_t{64} * 1024;

std::string digits_of(std::int64_t number, std::size_t least)
{
    const std::string text = std::to_string(number);
    return std::string(least - std::min(least, text.size()), '0') + text;
}

std::int64_t nanoseconds_of_second(ClockTime time)
{
    return (time - std::chrono::floor<seconds>(time)).count();
}

// "+01", "+0530", "-001932"
std::string zone_text(seconds offset)
{
    const std::int64_t size = std::abs(offset.count());
    std::string text = (offset < seconds::zero() ? "-" : "+") + digits_of(size / 3600, 2);
    if (size % 3600 != 0) text += digits_of(size / 60 % 60, 2);
    if (size % 60 != 0) text += digits_of(size % 60, 2);
    return text;
}

// A conversion of strftime(3): flags, a width and a modifier may stand between '%' and its letter.
struct Conversion {
    std::string_view text;
    std::size_t width = 0;
    char letter = '%';
};

Conversion conversion_at(std::string_view format, std::size_t begin)
{
    Conversion found;
    std::size_t at = format.find_first_not_of("_-0^#+", begin + 1);
    for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at)
        found.width = std::min<std::size_t>(found.width * 10 + static_cast<std::size_t>(format[at] - '0'),
                                            longest_text);
    at = format.find_first_not_of("EO", at);
    found.text = format.substr(begin, at == std::string_view::npos ? at : at - begin + 1);
    found.letter = found.text.back();
    return found;
}

// strftime(3) has no fraction of a second, and for %s it would take the zone of this machine.
std::string with_own_conversions(std::string_view format, ClockTime time)
{
    std::string text;
    while (!format.empty()) {
        const auto percent = format.find('%');
        text += format.substr(0, percent);
        if (percent == std::string_view::npos) break;
        const Conversion found = conversion_at(format, percent);
        if (found.letter == 's')
            text += std::to_string(std::chrono::floor<seconds>(time).time_since_epoch().count());
        else if (found.letter == 'N')
            text += digits_of(nanoseconds_of_second(time), 9).substr(0, found.width == 0 ? 9 : found.width);
        else
            text += found.text;
        format.remove_prefix(percent + found.text.size());
    }
    return text;
}

// Rounded up, so that a bound stays one.
std::int64_t microseconds_up(nanoseconds length)
{
    return std::chrono::ceil<std::chrono::microseconds>(length).count();
}

std::string decimal_text(std::int64_t microseconds)
{
    return std::to_string(microseconds / 1'000'000) + "." + digits_of(microseconds % 1'000'000, 6);
}

std::string two_units(std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit)
{
    std::string text = std::to_string(large) + " " + large_unit;
    if (small != 0) text += " " + std::to_string(small) + " " + small_unit;
    return text;
}

} // namespace

std::optional<std::string> format_time(std::string_view format, ClockTime time, seconds zone_offset, bool utc)
{
    const seconds offset = utc ? seconds::zero() : zone_offset;
    const std::time_t shifted = (std::chrono::floor<seconds>(time).time_since_epoch() + offset).count();
    const std::string zone = utc ? "UTC" : zone_text(offset);
    std::tm parts{};
    if (::gmtime_r(&shifted, &parts) == nullptr) return std::nullopt;
    parts.tm_gmtoff = offset.count();
    parts.tm_zone = zone.c_str();
    // The space tells an empty text from one that does not fit.
    const std::string whole = with_own_conversions(format, time) + " ";
    std::string text(longest_text, '\0');
    const std::size_t length = std::strftime(text.data(), text.size(), whole.c_str(), &parts);
    if (length == 0) return std::nullopt;
    text.resize(length - 1);
    return text;
}

std::string utc_text_of(ClockTime time)
{
    const std::string text = utc_text(std::chrono::floor<seconds>(time).time_since_epoch().count(), "%FT%T");
    return text + "." + digits_of(nanoseconds_of_second(time), 9) + "Z";
}

std::string offset_text(nanoseconds offset)
{
    const auto rounded = std::chrono::round<std::chrono::microseconds>(offset).count();
    return (rounded < 0 ? "-" : "+") + decimal_text(std::abs(rounded));
}

std::string bound_text(nanoseconds bound)
{
    return decimal_text(microseconds_up(bound));
}

std::string length_text(nanoseconds length)
{
    const std::int64_t whole = std::chrono::floor<seconds>(length).count();
    if (whole < 60) {
        std::string text = decimal_text(length / std::chrono::microseconds{1});
        text.resize(text.size() - 3); // milliseconds are enough
        return text + " s";
    }
    if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
    constexpr std::int64_t day = std::int64_t{24} * 3600;
    if (whole < 2 * day) return two_units(whole / 3600, "h", whole / 60 % 60, "min");
    return std::to_string(whole / day) + " days";
}

} // namespace ftpc::client
