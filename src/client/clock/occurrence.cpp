#include "client/clock/occurrence.hpp"

#include "shared/base/numbers.hpp"
#include "shared/base/utc_time.hpp"

namespace ftpc::client {

namespace {

using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds day_length = hours{24};
constexpr int latest_year = 2254; // as of ToldTime

// So many digits, which make a number up to `most`.
std::optional<int> parse_digits(std::string_view text, std::size_t digits, int least, int most)
{
    return text.size() == digits ? parse_number<int>(text, least, most) : std::nullopt;
}

// "2026-12-01"
std::optional<local_days> parse_day(std::string_view text)
{
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto year = parse_digits(text.substr(0, 4), 4, 1970, latest_year);
    const auto month = parse_digits(text.substr(5, 2), 2, 1, 12);
    const auto day = parse_digits(text.substr(8, 2), 2, 1, 31);
    if (!year || !month || !day) return std::nullopt;
    const auto date = std::chrono::year{*year} / *month / *day;
    return date.ok() ? std::optional{local_days{date}} : std::nullopt;
}

// "00:00" or "00:00:00"
std::optional<seconds> parse_clock(std::string_view text)
{
    const bool has_seconds = text.size() == 8;
    if ((text.size() != 5 && !has_seconds) || text[2] != ':' || (has_seconds && text[5] != ':'))
        return std::nullopt;
    const auto hour = parse_digits(text.substr(0, 2), 2, 0, 23);
    const auto minute = parse_digits(text.substr(3, 2), 2, 0, 59);
    const auto second = has_seconds ? parse_digits(text.substr(6), 2, 0, 59) : 0;
    if (!hour || !minute || !second) return std::nullopt;
    return hours{*hour} + minutes{*minute} + seconds{*second};
}

} // namespace

std::optional<TimeOfDay> parse_time_of_day(std::string_view text)
{
    TimeOfDay time;
    if (const auto separator = text.find('T'); separator != std::string_view::npos) {
        time.day = parse_day(text.substr(0, separator));
        if (!time.day) return std::nullopt;
        text.remove_prefix(separator + 1);
    }
    const auto clock = parse_clock(text);
    if (!clock) return std::nullopt;
    time.since_midnight = *clock;
    return time;
}

local_seconds local_time(ClockTime time, seconds zone_offset)
{
    return local_seconds{std::chrono::floor<seconds>(time).time_since_epoch() + zone_offset};
}

local_seconds occurrence_of(const TimeOfDay& time, local_seconds now)
{
    if (time.day) return *time.day + time.since_midnight;
    local_seconds today = std::chrono::floor<std::chrono::days>(now) + time.since_midnight;
    if (today - now > day_length / 2) today -= day_length;
    if (now - today >= day_length / 2) today += day_length;
    return today;
}

std::string occurrence_text(local_seconds occurrence)
{
    return utc_text(occurrence.time_since_epoch().count(), "%FT%T");
}

} // namespace ftpc::client
