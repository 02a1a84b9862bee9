#include "client/clock/time_reply.hpp"

#include "shared/base/numbers.hpp"
#include "shared/protocol/command.hpp"

#include <array>
#include <string_view>

namespace ftpc::client {

namespace {

using std::chrono::seconds;

constexpr std::int64_t latest_second = 8'999'999'999;          // in the year 2255
constexpr std::int64_t largest_error = 1'000'000'000'000;      // microseconds: eleven days
constexpr std::int64_t largest_zone_offset = 24 * 60 * 60 - 1; // seconds
constexpr std::size_t decimals = 9;

// "1796033700.000000042"
std::optional<ClockTime> parse_point(std::string_view text)
{
    const auto dot = text.find('.');
    if (dot == std::string_view::npos || text.size() != dot + 1 + decimals) return std::nullopt;
    const auto whole = parse_number<std::int64_t>(text.substr(0, dot), 0, latest_second);
    const auto fraction = parse_number<std::int64_t>(text.substr(dot + 1));
    if (!whole || !fraction) return std::nullopt;
    return ClockTime{seconds{*whole} + std::chrono::nanoseconds{*fraction}};
}

std::optional<ClockState> parse_state(std::string_view word)
{
    for (const ClockState state : {ClockState::synchronised, ClockState::local, ClockState::unsynchronised})
        if (word == word_for(state)) return state;
    return std::nullopt;
}

// The words between single spaces; nothing if there are more or fewer.
template <std::size_t number>
std::optional<std::array<std::string_view, number>> words_of(std::string_view text)
{
    std::array<std::string_view, number> words;
    for (std::size_t i = 0; i + 1 < number; ++i) {
        const auto space = text.find(' ');
        if (space == std::string_view::npos) return std::nullopt;
        words.at(i) = text.substr(0, space);
        text.remove_prefix(space + 1);
    }
    words.back() = text;
    return words;
}

} // namespace

const char* word_for(ClockState state)
{
    switch (state) {
    case ClockState::synchronised:
        return "synchronised";
    case ClockState::local:
        return "local";
    case ClockState::unsynchronised:
        break;
    }
    return "unsynchronised";
}

std::optional<ToldTime> parse_time_reply(const Reply& reply)
{
    const auto words = words_of<6>(reply.text);
    if (reply.code != 200 || !words || words->front() != "TIME") return std::nullopt;
    const auto& [name, received_text, sent_text, state_text, error_text, offset_text] = *words;
    const auto received = parse_point(received_text);
    const auto sent = parse_point(sent_text);
    const auto state = parse_state(state_text);
    const auto error = parse_number<std::int64_t>(error_text, 0, largest_error);
    const auto offset = parse_number<std::int64_t>(offset_text, -largest_zone_offset, largest_zone_offset);
    // protection: time-reply
    if (!received || !sent || !state || !error || !offset || *sent < *received) return std::nullopt;
    return ToldTime{*received, *sent, *state, std::chrono::microseconds{*error}, seconds{*offset}};
}

} // namespace ftpc::client
