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

std::optional<SessionKey> parse_line(std::string_view line)
{
    std::array<std::string_view, 6> words;
    for (std::string_view& word : words) {
        const Words taken = take_word(line);
        word = taken.first;
        line = taken.rest;
    }
    SessionKey key;
    const auto created = parse_number<std::uint64_t>(words[4]);
    const auto expires = parse_number<std::uint64_t>(words[5]);
    const bool good = take_word(line).first.empty() && hex_decode_into(words[0], key.id) &&
                      is_user_name(words[1]) && base64_decode_into(words[2], key.key) &&
                      read_hex_number(words[3], key.generation) && created && expires;
    if (!good) return std::nullopt;
    key.user = words[1];
    key.created = *created;
    key.expires = *expires;
    return key;
}

Problem problem_at(std::size_t line, std::string what)
{
    return {std::string{sessions_file_name} + ":" + std::to_string(line), std::move(what)};
}

class Parser {
public:
    void read_line(std::string_view line, bool has_end)
    {
        ++line_;
        if (!has_end) return problem("the last line has no line end: the file seems to be truncated");
        if (line.size() > max_line_bytes) return problem("the line is longer than 256 bytes");
        if (says_nothing(line)) return;
        auto key = parse_line(line);
        if (!key) return problem("not of the form: ID USER KEY GENERATION CREATED EXPIRES");
        if (!ids_.insert(key->id).second) return problem("this session id is on an earlier line already");
        if (++keys_of_[key->user] > max_session_keys_per_user)
            return problem("user " + key->user + " has more than 32 session keys");
        parsed_.keys.push_back(std::move(*key));
    }

    ParsedSessionKeys take() { return std::move(parsed_); }

private:
    void problem(std::string what)
    {
        if (parsed_.problems.size() < max_problems)
            parsed_.problems.push_back(problem_at(line_, std::move(what)));
    }

    ParsedSessionKeys parsed_;
    std::set<SessionId> ids_;
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
    for (TextLines lines{text}; lines.next();)
        parser.read_line(lines.line(), lines.has_end());
    ParsedSessionKeys parsed = parser.take();
    if (parsed.problems.empty()) return parsed;
    // Named once, in place of a complaint about each line.
    if (TextFault fault = find_text_fault(text); !fault.what.empty())
        parsed.problems = {problem_at(fault.line, std::move(fault.what))};
    return parsed;
}

std::string session_key_line(const SessionKey& key)
{
    return hex_encode(key.id) + " " + key.user + " " + base64_encode(key.key) + " " +
           hex_number(key.generation) + " " + std::to_string(key.created) + " " +
           std::to_string(key.expires) + "\n";
}

} // namespace ftpc::server
