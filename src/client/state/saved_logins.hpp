// The logins of this user that later commands go on with, each with its session key.
//
// The file sessions holds one login a line, the most recent first:
//     HOST:PORT USER SESSION-ID PRIVATE-KEY EXPIRES
// in the encodings of docs/protocol.md §5. After a logout the last three are '-': user and server are still
// remembered, so that `ftpc login` alone finds the way back.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/state/state_directory.hpp"
#include "shared/protocol/session_key.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::client {

struct SavedSession {
    SessionId id;
    SessionPrivateKey private_key;
    std::int64_t expires; // seconds since 1970-01-01T00:00:00Z
};

struct SavedLogin {
    ServerAddress server;
    std::string user;
    std::optional<SavedSession> session; // nothing after a logout
};

class SavedLogins {
public:
    // Fails with ExitStatus::failed and "line N: reason".
    static Outcome<SavedLogins> parse(std::string_view text);

    // The most recent login, at `server` if one is given; nothing if there was none. Valid until the next
    // put.
    const SavedLogin* most_recent(const std::optional<ServerAddress>& server = std::nullopt) const;

    const SavedLogin* find(const ServerAddress& server, std::string_view user) const;

    // Puts the login before all others, and replaces the one of the same user at the same server.
    void put_first(const SavedLogin& login);

    // Marks the login as logged out, wherever it stands, if it still holds the session `id`.
    void end(const ServerAddress& server, std::string_view user, const SessionId& id);

    // The file's contents.
    std::string text() const;

private:
    std::vector<SavedLogin> logins_;
};

inline constexpr const char* sessions_file = "sessions";

// A login together with the session that it certainly has.
struct ActiveLogin {
    ServerAddress server;
    std::string user;
    SavedSession session;
};

// All fail with ExitStatus::failed; a broken line is named with its file.
Outcome<SavedLogins> load_saved_logins(const StateDirectory& state);
// Returns the session that it has replaced, of the same user at the same server: another ftpc may have saved
// it a moment ago.
Outcome<std::optional<SavedSession>> save_login(const StateDirectory& state, const SavedLogin& login);
Outcome<void> forget_session(const StateDirectory& state, const ActiveLogin& login);

// The login that a command goes on with: the most recent one, at `server` if one is given. Fails with
// ExitStatus::refused, and says how to log in, if there is none or it was ended. Only the server knows
// whether it has expired: the clock of this machine may be wrong.
Outcome<ActiveLogin> active_login(const SavedLogins& logins, const std::optional<ServerAddress>& server);

// "alice@host", with the port unless it is the usual one: the argument of `ftpc login`.
std::string login_argument(const ServerAddress& server, std::string_view user);

} // namespace ftpc::client
