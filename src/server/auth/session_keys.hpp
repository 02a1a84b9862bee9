// The session keys that are enrolled (docs/protocol.md §8), in memory and in sessions.db, which only the auth
// process writes. Used by one thread.
#pragma once

#include "server/auth/session_key_text.hpp"
#include "server/settings.hpp"
#include "server/users/user_store.hpp"
#include "shared/result.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ftpc::server {

// Seconds since 1970.
using Clock = std::function<std::uint64_t()>;
std::uint64_t system_clock_seconds();

class SessionKeys {
public:
    // `data` is the open data directory and stays open as long as this lives.
    explicit SessionKeys(int data, Clock clock = system_clock_seconds);

    // Reads sessions.db; a missing file is an empty one. A file that is broken, or that others could read or
    // change, is set aside as "sessions.db.broken-<UTC>" and no key is in force: its users log in again with
    // their passwords, which is all that a lost key costs. Then `set_aside` has the new name and `problems`
    // why. With problems and no such name the file could not be read or not be set aside.
    struct Loaded {
        std::string set_aside;
        std::vector<Problem> problems;
    };
    Loaded load();

    // Whether it is a key that has expired and is still in memory.
    bool has_expired(const SessionId& id) const;

    // Makes a session key for `user`, good for `lifetime`, and returns once it is on disk. Ends the user's
    // oldest key if there are 32. Fails with the system's error when it cannot be written; then nothing has
    // changed.
    Result<SessionKey> enrol(const User& user, const SessionPublicKey& key, std::chrono::seconds lifetime);

    // The key, if it has not expired; null otherwise. Valid until the next call of a member that is not
    // const.
    const SessionKey* find(const SessionId& id) const;

    // Ends a key of `user`, on disk too. False when there is no such key of that user. Fails with the
    // system's error when it cannot be written; the key is no longer good then either, but may be again after
    // a restart.
    Result<bool> end(std::string_view user, const SessionId& id);

    // The keys of `user` that have not expired, oldest first; at most 32.
    std::vector<SessionKey> list(std::string_view user) const;

    // Drops the keys that have expired or whose user is gone, locked or of another generation. Returns how
    // many. Fails with the system's error when the file cannot be written; the keys are gone from memory
    // nevertheless, and load() together with this drops them again.
    Result<std::size_t> drop_orphans(const UserStore& users);

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

    bool has_expired(const SessionKey& key) const { return key.expires <= clock_(); }
    void insert(const SessionKey& key);
    void erase(const SessionId& id);
    Result<void> save() const;

    int data_;
    Clock clock_;
    std::unordered_map<SessionId, SessionKey, IdHash> keys_;
    std::unordered_map<std::string, std::vector<SessionId>> ids_of_; // by user, oldest first
};

// Whether a login or key that was made in `generation` of user `name` holds still.
bool holds(const UserStore& users, std::string_view name, std::uint64_t generation);

} // namespace ftpc::server
