#include "client/commands/fact_line.hpp"

#include "shared/base/numbers.hpp"
#include "shared/protocol/command.hpp"

#include <algorithm>
#include <chrono>

namespace ftpc::client {

namespace {

constexpr unsigned most_mode = 07777;

// RFC 3659 §7.5.1. cdir and pdir stand in no listing that this client asks for.
std::optional<EntryKind> parse_type(std::string_view text)
{
    if (equal_ignoring_case(text, "dir")) return EntryKind::directory;
    if (equal_ignoring_case(text, "file")) return EntryKind::file;
    if (equal_ignoring_case(text.substr(0, 3), "OS.")) return EntryKind::other;
    return std::nullopt;
}

// "20261130101500", with or without a fraction of a second, in UTC (RFC 3659 §2.3).
std::optional<std::int64_t> parse_time(std::string_view text)
{
    const auto whole = text.substr(0, text.find('.'));
    if (whole.size() != 14) return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t digits, unsigned most) {
        return parse_number<unsigned>(whole.substr(at, digits), 0, most);
    };
    const auto year = part(0, 4, 9999), month = part(4, 2, 12), day = part(6, 2, 31);
    const auto hour = part(8, 2, 23), minute = part(10, 2, 59), second = part(12, 2, 60);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                           std::chrono::month{*month}, std::chrono::day{*day}};
    if (!date.ok()) return std::nullopt;
    const std::chrono::seconds since = std::chrono::sys_days{date}.time_since_epoch();
    return since.count() + std::int64_t{*hour} * 3600 + std::int64_t{*minute} * 60 + *second;
}

// Puts the value into `field`; false if there is none.
template <class T>
bool put(std::optional<T>& field, std::optional<T> value)
{
    field = value;
    return value.has_value();
}

// One fact, without its semicolon.
bool take_fact(std::string_view fact, Facts& facts, std::optional<EntryKind>& kind)
{
    const auto equals = fact.find('=');
    if (equals == std::string_view::npos) return false;
    const auto name = fact.substr(0, equals);
    const auto value = fact.substr(equals + 1);
    if (equal_ignoring_case(name, "type")) return put(kind, parse_type(value));
    if (equal_ignoring_case(name, "size")) return put(facts.size, parse_number<std::uint64_t>(value));
    if (equal_ignoring_case(name, "modify")) return put(facts.modified, parse_time(value));
    if (equal_ignoring_case(name, "unix.mode"))
        return put(facts.mode, parse_number<unsigned>(value, 0, most_mode, 8));
    return true;
}

} // namespace

std::optional<FactLine> parse_fact_line(std::string_view line)
{
    const auto [words, name] = split_first_word(line);
    Facts facts;
    std::optional<EntryKind> kind;
    std::string_view rest = words;
    while (!rest.empty()) {
        const auto end = rest.find(';');
        // protection: broken-facts
        if (end == std::string_view::npos || !take_fact(rest.substr(0, end), facts, kind))
            return std::nullopt;
        rest.remove_prefix(end + 1);
    }
    if (!kind || name.empty()) return std::nullopt;
    facts.kind = *kind;
    return FactLine{facts, name};
}

} // namespace ftpc::client
