#include "client/commands/session_login.hpp"

#include "client/connection/login_replies.hpp"
#include "client/terminal/dates.hpp"
#include "client/terminal/terminal.hpp"
#include "shared/base/base64.hpp"

namespace ftpc::client {

namespace {

// The newer session that has replaced the one in `login`; nothing if there is none.
Outcome<std::optional<SavedSession>> newer_session(const ActiveLogin& login, const StateDirectory& state)
{
    const auto logins = load_saved_logins(state);
    if (!logins) return logins.error();
    const SavedLogin* saved = logins->find(login.server, login.user);
    if (saved == nullptr || !saved->session || saved->session->id == login.session.id)
        return std::optional<SavedSession>{};
    return saved->session;
}

// `refusal`, with a likely reason, and how to log in again.
Failure with_way_back(Failure refusal, const ActiveLogin& login)
{
    if (login.session.expires <= now_in_seconds())
        refusal.message += ": by the clock of this machine the session has expired";
    refusal.message += "\nLog in again: ftpc login " + login_argument(login.server, login.user);
    return refusal;
}

} // namespace

ConnectSettings connect_settings(const CommonOptions& options)
{
    return {options.trust, options.timeout, ask_yes_or_no};
}

Outcome<ActiveLogin> find_login(const CommonOptions& options, const StateDirectory& state)
{
    const auto logins = load_saved_logins(state);
    if (!logins) return logins.error();
    return active_login(*logins, options.server);
}

void send_session_login(ControlConnection& connection, const ActiveLogin& login)
{
    const auto signature =
        sign_session(login.session.private_key, connection.channel_binding(), login.session.id, login.user);
    connection.send("USER " + login.user);
    connection.send("SITE AUTH SESSKEY1 " + hex_encode(login.session.id) + " " + base64_encode(signature));
}

Outcome<void> await_session_login(ControlConnection& connection, const ActiveLogin& login)
{
    LoginReplies replies{login.server, login.user};
    while (!replies.complete()) {
        const auto reply = connection.await_reply();
        if (!reply) return reply.error();
        if (auto taken = replies.on_reply(*reply); !taken) return taken;
    }
    return {};
}

Outcome<void> with_saved_login(ActiveLogin login, const StateDirectory& state,
                               const std::function<Outcome<void>(const ActiveLogin&)>& attempt)
{
    while (true) {
        auto done = attempt(login);
        if (done || done.error().status != ExitStatus::refused) return done;
        const auto newer = newer_session(login, state);
        if (!newer) return newer.error();
        if (!*newer) return with_way_back(done.error(), login);
        login.session = **newer;
    }
}

} // namespace ftpc::client
