// Parses the server's replies to a login.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "shared/protocol/reply.hpp"
#include "shared/protocol/session_key.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

// A reply as it may be shown: "550 File exists", one line.
std::string shown(const Reply& reply);

// The realm that FEAT announces (docs/protocol.md §6); nothing if there is no well-formed one.
std::optional<std::string> announced_realm(const Reply& feat);

struct GrantedSession {
    SessionId id;
    std::int64_t expires; // seconds since 1970-01-01T00:00:00Z
};

// The reply to SITE SESSION NEW (docs/protocol.md §8); nothing if it grants no session.
std::optional<GrantedSession> granted_session(const Reply& reply);

// Follows the two replies to USER and SITE AUTH, which were sent together.
class LoginReplies {
public:
    LoginReplies(const ServerAddress& server, std::string_view user) : server_{server}, user_{user} {}

    // Takes the next of the two. Fails when there will be no login. ExitStatus::refused: the server does not
    // accept it. ExitStatus::failed: the home cannot be used. ExitStatus::unreachable: it cannot decide now
    // (421, 451) or does not keep to the protocol.
    Outcome<void> on_reply(const Reply& reply);

    // Whether the user is logged in.
    bool complete() const { return stage_ == Stage::logged_in; }

private:
    enum class Stage { user, auth, logged_in };

    ServerAddress server_;
    std::string user_;
    Stage stage_ = Stage::user;
};

} // namespace ftpc::client
