// The session keys that are enrolled (docs/protocol.md §8), in memory and in sessions.db, which only the auth
// process writes. Used by one thread.
#pragma once

#include "server/auth/state/clock_trust.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/config/settings.hpp"
#include "server/users/user_store.hpp"
#include "shared/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ftpc::server {

using Clock = std::function<std::uint64_t()>;
// Seconds since 1970; 0 for a clock that is set to before.
std::uint64_t system_clock_seconds();
// Seconds since the start of the machine, which nobody can set.
std::uint64_t steady_clock_seconds();

// A key that is not good is refused, but stays in the file. Perhaps users.db misses its user for a moment, or
// the clock is wrong. An expired key goes when its user needs the room, others once the clock is trusted
// (clock_trust.hpp).
class SessionKeys {
public:
    // `data` is the open data directory and stays open as long as this lives.
    explicit SessionKeys(int data, Clock clock = system_clock_seconds, Clock steady = steady_clock_seconds);

    // The setting session-ttl, which also bounds the keys that are there.
    void set_ttl(std::chrono::seconds session_ttl) { session_ttl_ = session_ttl; }

    // Reads sessions.db; a missing file is an empty one. A file that is broken, or that others could read or
    // change, is set aside as "sessions.db.broken-<UTC>" and no key is in force. A lost key costs its user
    // one login with the password. Then `set_aside` has the new name and `problems` why. With problems and no
    // such name the file could not be read or not be set aside.
    struct Loaded {
        std::string set_aside;
        std::vector<Problem> problems;
    };
    Loaded load();

    // None for a key that is not enrolled, or has been ended.
    std::optional<KeyState> state(const SessionId& id) const;

    // Makes a session key for `user`, good for `lifetime`, and returns once it is on disk. If there are 32,
    // one of them ends: the oldest of those that are not good, else the oldest. Fails with the system's error
    // when it cannot be written; then no key that was good has changed.
    Result<SessionKey> enrol(const User& user, const SessionPublicKey& key, std::chrono::seconds lifetime);

    // The key, if it is good; null otherwise. Valid until the next call of a member that is not
    // const.
    const SessionKey* find(const SessionId& id) const;

    // Ends a key of `user`, on disk too. False when there is no such key of that user, or it has expired.
    // Fails with the system's error when it cannot be written; the key is then as good as before.
    Result<bool> end(std::string_view user, const SessionId& id);

    // The keys of `user` that are good, oldest first, each with the end that is in force; at most 32.
    std::vector<SessionKey> list(std::string_view user) const;

    std::size_t size() const { return keys_.size(); }

private:
    // Ids are random, so that any part of them is a good hash.
    struct IdHash {
        std::size_t operator()(const SessionId& id) const
        {
            std::size_t hash = 0;
            std::memcpy(&hash, id.data(), sizeof hash);
            return hash;
        }
    };

    KeyState state(const SessionKey& key) const { return state_of(key, clock_(), session_ttl_); }
    std::vector<SessionKey> all_of(const std::string& user) const;
    SessionId first_to_go(const User& user) const;
    void drop_useless();
    void insert(const SessionKey& key);
    void erase(const SessionId& id);
    // Makes `keys` those of `user`.
    void restore(const std::string& user, const std::vector<SessionKey>& keys);
    Result<void> save() const;

    int data_;
    Clock clock_;
    Clock steady_;
    ClockTrust trust_;
    std::chrono::seconds session_ttl_ = Settings{}.session_ttl;
    std::unordered_map<SessionId, SessionKey, IdHash> keys_;
    std::unordered_map<std::string, std::vector<SessionId>> ids_of_; // by user, oldest first
};

// Whether a login or key that was made in `generation` of user `name` holds still.
bool holds(const UserStore& users, std::string_view name, std::uint64_t generation);

} // namespace ftpc::server
