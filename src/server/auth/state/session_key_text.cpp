#include "server/auth/state/session_key_text.hpp"

#include "server/users/user_line.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::size_t max_line_bytes = 256;
constexpr std::size_t max_problems = 1000;

bool read_hex_number(std::string_view hex, std::uint64_t& out)
{
    std::array<std::uint8_t, sizeof out> bytes{};
    if (!hex_decode_into(hex, bytes)) return false;
    out = 0;
    for (const std::uint8_t byte : bytes)
        out = out << 8 | byte;
    return true;
}

std::string hex_number(std::uint64_t value)
{
    std::array<std::uint8_t, sizeof value> bytes{};
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8)
        *byte = static_cast<std::uint8_t>(value & 0xFF);
    return hex_encode(bytes);
}

// At most the largest number: the file may hold any.
std::uint64_t sum_or_most(std::uint64_t a, std::uint64_t b)
{
    return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                             : a + b;
}

constexpr std::string_view end_word = "end";

std::optional<SessionId> parse_id(std::string_view word)
{
    SessionId id;
    return hex_decode_into(word, id) ? std::optional{id} : std::nullopt;
}

// The effect of one line.
struct Change {
    std::optional<SessionKey> enrolled;
    std::optional<SessionId> ended;
};

using LineWords = std::array<std::string_view, 8>; // one more than the longest line has

LineWords words_of(std::string_view line)
{
    LineWords words;
    for (std::string_view& word : words) {
        const Words taken = take_word(line);
        word = taken.first;
        line = taken.rest;
    }
    return words;
}

std::optional<SessionKey> parse_key(const LineWords& words)
{
    SessionKey key;
    const auto created = parse_number<std::uint64_t>(words[4]);
    const auto expires = parse_number<std::uint64_t>(words[5]);
    const bool good = hex_decode_into(words[0], key.id) && is_user_name(words[1]) &&
                      base64_decode_into(words[2], key.key) && read_hex_number(words[3], key.generation) &&
                      created && expires;
    if (!good) return std::nullopt;
    key.user = words[1];
    key.created = *created;
    key.expires = *expires;
    return key;
}

std::optional<Change> parse_line(std::string_view line)
{
    const LineWords words = words_of(line);
    if (words[0] == end_word) {
        const auto ended = parse_id(words[1]);
        return ended && words[2].empty() ? std::optional{Change{{}, ended}} : std::nullopt;
    }
    auto key = parse_key(words);
    const auto replaced = parse_id(words[6]);
    if (!key || (!words[6].empty() && !replaced) || !words[7].empty()) return std::nullopt;
    return Change{std::move(key), replaced};
}

Problem problem_at(std::size_t line, std::string what)
{
    return {std::string{sessions_file_name} + ":" + std::to_string(line), std::move(what)};
}

class Parser {
public:
    void read_line(std::string_view line)
    {
        ++line_;
        if (line.size() > max_line_bytes) return problem("the line is longer than 256 bytes");
        if (says_nothing(line)) return;
        auto change = parse_line(line);
        if (!change)
            return problem("not of the form: ID USER KEY GENERATION CREATED EXPIRES [ID], nor: end ID");
        ++parsed_.changes;
        if (change->ended) end(*change->ended);
        if (change->enrolled) enrol(std::move(*change->enrolled));
    }

    ParsedSessionKeys take(bool is_cut)
    {
        parsed_.is_cut = is_cut;
        std::erase_if(parsed_.keys, [this](const SessionKey& key) { return !places_.contains(key.id); });
        return std::move(parsed_);
    }

private:
    void enrol(SessionKey key)
    {
        if (!seen_.insert(key.id).second) return problem("this session id is on an earlier line already");
        if (++keys_of_[key.user] > max_session_keys_per_user)
            return problem("user " + key.user + " has more than 32 session keys");
        places_.emplace(key.id, parsed_.keys.size());
        parsed_.keys.push_back(std::move(key));
    }

    void end(const SessionId& id)
    {
        const auto place = places_.find(id);
        if (place == places_.end()) return;
        --keys_of_[parsed_.keys[place->second].user];
        places_.erase(place);
    }

    void problem(std::string what)
    {
        if (parsed_.problems.size() < max_problems)
            parsed_.problems.push_back(problem_at(line_, std::move(what)));
    }

    ParsedSessionKeys parsed_;
    std::set<SessionId> seen_;
    std::map<SessionId, std::size_t> places_; // of the keys that have not ended
    std::map<std::string, std::size_t, std::less<>> keys_of_;
    std::size_t line_ = 0;
};

} // namespace

std::uint64_t end_of(const SessionKey& key, std::chrono::seconds session_ttl)
{
    return std::min(key.expires, sum_or_most(key.created, static_cast<std::uint64_t>(session_ttl.count())));
}

KeyState state_of(const SessionKey& key, std::uint64_t now, std::chrono::seconds session_ttl)
{
    // protection: key-of-the-future
    if (key.created > sum_or_most(now, clock_tolerance_seconds)) return KeyState::from_the_future;
    return end_of(key, session_ttl) > now ? KeyState::good : KeyState::expired;
}

ParsedSessionKeys parse_session_keys(std::string_view text)
{
    Parser parser;
    bool is_cut = false;
    for (TextLines lines{text}; lines.next();) {
        is_cut = !lines.has_end();
        if (!is_cut) parser.read_line(lines.line());
    }
    ParsedSessionKeys parsed = parser.take(is_cut);
    if (parsed.problems.empty()) return parsed;
    // Named once, in place of a complaint about each line.
    if (TextFault fault = find_text_fault(text); !fault.what.empty())
        parsed.problems = {problem_at(fault.line, std::move(fault.what))};
    return parsed;
}

std::string session_key_line(const SessionKey& key, const std::optional<SessionId>& replaced)
{
    return hex_encode(key.id) + " " + key.user + " " + base64_encode(key.key) + " " +
           hex_number(key.generation) + " " + std::to_string(key.created) + " " +
           std::to_string(key.expires) + (replaced ? " " + hex_encode(*replaced) : "") + "\n";
}

std::string session_key_end_line(const SessionId& id)
{
    return std::string{end_word} + " " + hex_encode(id) + "\n";
}

} // namespace ftpc::server
