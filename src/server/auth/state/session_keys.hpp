// The session keys that are enrolled (docs/protocol.md §8), in memory and in sessions.db, which only the auth
// process writes. A change is in force once it is on disk: a line is appended, which takes as long with many
// keys as with few.
#pragma once

#include "server/auth/state/appended_file.hpp"
#include "server/auth/state/clock_trust.hpp"
#include "server/auth/state/session_key_text.hpp"
#include "server/config/settings.hpp"
#include "server/users/user_store.hpp"
#include "shared/base/result.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ftpc::server {

using Clock = std::function<std::uint64_t()>;
// Seconds since 1970; 0 for a clock that is set to before.
std::uint64_t system_clock_seconds();
// Seconds since the start of the machine, which nobody can set.
std::uint64_t steady_clock_seconds();

// A change of the keys. `done` is called once it is on disk, or has failed with the system's error.
struct KeyEnrolment {
    User user;
    SessionPublicKey key{};
    std::chrono::seconds lifetime{};
    std::function<void(Result<SessionKey>)> done;
};
enum class KeyEnd { ended, no_such_key }; // of that user, or it has expired
struct KeyRemoval {
    std::string user;
    SessionId id{};
    std::function<void(Result<KeyEnd>)> done;
};
using KeyChange = std::variant<KeyEnrolment, KeyRemoval>;

// A key that is not good is refused, but stays in the file. Perhaps users.db misses its user for a moment, or
// the clock is wrong. An expired key goes when its user needs the room, others once the clock is trusted
// (clock_trust.hpp).
//
// One thread changes the keys (session_key_writer.hpp), any other may ask for them meanwhile.
class SessionKeys {
public:
    // `data` is the open data directory and stays open as long as this lives.
    explicit SessionKeys(int data, Clock clock = system_clock_seconds, Clock steady = steady_clock_seconds);

    // ---- from any thread

    // The setting session-ttl, which also bounds the keys that are there.
    void set_ttl(std::chrono::seconds session_ttl) { session_ttl_ = session_ttl; }

    // None for a key that is not enrolled, or has been ended.
    std::optional<KeyState> state(const SessionId& id) const;

    // The key, if it is good.
    std::optional<SessionKey> find(const SessionId& id) const;

    // The keys of `user` that are good, oldest first, each with the end that is in force; at most 32.
    std::vector<SessionKey> list(const std::string& user) const;

    std::size_t size() const;

    // ---- from the thread that changes them

    // Reads sessions.db; a missing file is an empty one. A file that is broken, or that others could read or
    // change, is set aside as "sessions.db.broken-<UTC>" and no key is in force. A lost key costs its user
    // one login with the password. Then `set_aside` has the new name and `problems` why. With problems and no
    // such name the file could not be read or not be set aside.
    struct Loaded {
        std::string set_aside;
        std::vector<Problem> problems;
    };
    Loaded load();

    // Carries out `changes`, in this order, with one sync for all. If they cannot be written all of them
    // fail, and no key has changed.
    //
    // A user has at most 32 keys. If there are 32, a new one ends one of them: the oldest of those that are
    // not good, else the oldest.
    void carry_out(const std::vector<KeyChange>& changes);

    // Writes the file anew if most of its lines say nothing any more. Takes as long as writing all keys.
    void compact_if_worthwhile();

private:
    // Changes that are not on disk yet.
    struct Plan {
        std::map<std::string, std::vector<SessionKey>> keys_of; // of users that it changes, as they will be
        std::vector<SessionKey> enrolled;
        std::vector<SessionId> ended;
        std::string lines;
        std::size_t changes = 0; // lines
    };

    KeyState state(const SessionKey& key) const { return state_of(key, clock_(), session_ttl_); }
    std::vector<SessionKey> all_of(const std::string& user) const;
    std::vector<SessionKey>& planned(Plan& plan, const std::string& user) const;
    SessionKey plan_to(const KeyEnrolment& change, Plan& plan) const;
    KeyEnd plan_to(const KeyRemoval& change, Plan& plan) const;
    std::vector<SessionKey>::const_iterator first_to_go(const std::vector<SessionKey>& keys,
                                                        const User& user) const;
    void plan_to_drop_useless(Plan& plan);
    Result<void> save(const Plan& plan);
    void put_in_force(const Plan& plan);
    std::string text() const;
    void insert(const SessionKey& key);
    void erase(const SessionId& id);

    Clock clock_;
    Clock steady_;
    std::atomic<std::chrono::seconds> session_ttl_ = Settings{}.session_ttl;

    // The thread that changes these takes the lock only to do so: no other one does.
    mutable std::mutex mutex_;
    std::map<SessionId, SessionKey> keys_; // no hash table: a growing one would hold up all who ask
    std::map<std::string, std::vector<SessionId>> ids_of_; // by user, oldest first

    // Of that thread only:
    ClockTrust trust_;
    SessionId looked_at_{}; // the last key that was looked at, to be dropped if it is useless
    int data_;
    AppendedFile file_;
    std::size_t lines_ = 0;        // in the file
    std::size_t compact_from_ = 0; // so many lines, after it has failed
};

// Whether a login or key that was made in `generation` of user `name` holds still.
bool holds(const UserStore& users, std::string_view name, std::uint64_t generation);

} // namespace ftpc::server
