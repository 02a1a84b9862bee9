// A reply to SITE TIME from a server that may send anything, up to the text that its user sees.
#include "client/clock/measurement.hpp"
#include "client/clock/occurrence.hpp"
#include "client/clock/time_text.hpp"
#include "fuzz/require.hpp"
#include "shared/base/text.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace ftpc;
using namespace ftpc::client;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

void check_told(const ToldTime& told)
{
    require(told.received >= ClockTime{} && told.sent >= told.received, "the times are in their order");
    require(told.sent < ClockTime{9'000'000'000s}, "nanoseconds hold the time");
    require(told.zone_offset < 24h && told.zone_offset > -24h, "a zone is less than a day away");
    require(told.max_error >= 0us, "an error is not negative");
}

void check_text(const std::string& text)
{
    require(!text.empty() && is_printable_ascii(text), "a time is plain text");
}

// The command took a second, and came so long after the start of the machine.
void check_reading(const ToldTime& told, std::chrono::nanoseconds sent)
{
    const TimeRound round{BootTime{sent}, BootTime{sent + 1s}, told};
    const auto reading = best_of(std::array{round, round});
    require(reading.has_value() == (told.sent - told.received <= 1s),
            "a round is good or contradicts itself");
    if (!reading) return;
    require(reading->bound >= 0ns && reading->bound <= 500ms, "a bound is half of the way at most");
    const ClockOffset offset = offset_between(*reading, read_own_clock());
    judge(*reading, offset, 500ms);
    check_text(offset_text(offset.offset) + bound_text(offset.bound) +
               utc_text_of(reading->at(round.received)));
    check_text(format_time(format_of_date, reading->at(round.received), reading->zone_offset, false).value());
    const auto local = local_time(reading->at(round.received), reading->zone_offset);
    const auto nearest = occurrence_of({{}, 0s}, local);
    require(nearest - local <= 12h && local - nearest <= 12h,
            "the nearest midnight is half a day away at most");
    check_text(occurrence_text(nearest));
    require(reading->moment_of(reading->at(round.received)) == round.received,
            "times and moments belong together");
}

// The same bytes as a format that the user gives.
void format(std::string_view bytes)
{
    const std::size_t end = bytes.find('\0');
    if (const auto text = format_time(bytes.substr(0, end), ClockTime{1'796'033'700s}, 1h, false))
        require(text->size() < 65536, "a text has an end");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    format(bytes);
    const auto told = parse_time_reply({200, std::string{bytes}});
    if (!told) return 0;
    check_told(*told);
    check_reading(*told, 0s);
    check_reading(*told, 24h * 365 * 50);
    return 0;
}
