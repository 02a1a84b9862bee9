// sessions.db as text, as pure functions. The server appends a line for each change:
//
//   <id, 32 hex> <user> <public key, base64> <generation, 16 hex> <created> <expires> [<id>]
//   end <id>
//
// The first enrols a key, and ends the key that it names last. The second ends a key. Words are parted by one
// space, points in time are seconds since 1970. Lines that are empty or begin with `#` say nothing. Bytes
// behind the last line end are a change that was broken off, and say nothing either.
#pragma once

#include "server/config/settings.hpp"
#include "shared/protocol/session_key.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

inline constexpr std::size_t max_session_keys_per_user = 32;
inline constexpr std::size_t max_sessions_file_bytes = 1U << 30;
inline constexpr const char* sessions_file_name = "sessions.db";

struct SessionKey {
    SessionId id{};
    std::string user;
    SessionPublicKey key{};
    std::uint64_t generation = 0; // of the user, when the key was enrolled
    std::uint64_t created = 0;
    std::uint64_t expires = 0;

    friend bool operator==(const SessionKey&, const SessionKey&) = default;
};

// A key is good by a clock that may have been wrong when the key was made and may be wrong now. So a key is
// never good for longer than session-ttl after it was made. A key that seems to be made in the future is not
// good at all.
enum class KeyState { good, expired, from_the_future };

// Clocks that differ by no more than that are the same: a clock that is set right by some seconds costs no
// key.
inline constexpr std::uint64_t clock_tolerance_seconds = 300;

// When the key stops being good: at its own end, or `session_ttl` after it was made if that is earlier.
std::uint64_t end_of(const SessionKey& key, std::chrono::seconds session_ttl);
// `now` in seconds since 1970.
KeyState state_of(const SessionKey& key, std::uint64_t now, std::chrono::seconds session_ttl);

struct ParsedSessionKeys {
    std::vector<SessionKey> keys;  // those that have not been ended, in the order of their lines
    std::vector<Problem> problems; // {"sessions.db:LINE", reason}; the first 1,000
    std::size_t changes = 0;       // lines that enrol or end a key
    bool is_cut = false;           // bytes stand behind the last line end
};

// Finds every bad line, an id that is there twice, and a user with more than 32 keys. To end a key that is
// not there is no mistake.
ParsedSessionKeys parse_session_keys(std::string_view text);

// The line that enrols a key, and ends the key `replaced`, with its line end.
std::string session_key_line(const SessionKey& key, const std::optional<SessionId>& replaced = std::nullopt);
// The line that ends a key, with its line end.
std::string session_key_end_line(const SessionId& id);

} // namespace ftpc::server
