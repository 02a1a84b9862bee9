// sessions.db as text: one line for each session key, as pure functions.
//
//   <id, 32 hex> <user> <public key, base64> <generation, 16 hex> <created> <expires>
//
// Words are parted by one space, points in time are seconds since 1970; lines that are empty or begin with
// `#` say nothing.
#pragma once

#include "server/config/settings.hpp"
#include "shared/protocol/session_key.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
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
    std::vector<SessionKey> keys;  // in the order of their lines
    std::vector<Problem> problems; // {"sessions.db:LINE", reason}; the first 1,000
};

// Finds every bad line, an id that is there twice, a user with more than 32 keys, and a last line without its
// line end.
ParsedSessionKeys parse_session_keys(std::string_view text);

// The line of a key, with its line end.
std::string session_key_line(const SessionKey& key);

} // namespace ftpc::server
