#include "client/session_login.hpp"

#include "client/dates.hpp"
#include "client/login_replies.hpp"
#include "client/terminal.hpp"
#include "shared/base64.hpp"

namespace ftpc::client {

ConnectSettings connect_settings(const CommonOptions& options)
{
    return {options.trust, options.timeout, ask_yes_or_no};
}

Outcome<ActiveLogin> find_login(const CommonOptions& options, const StateDirectory& state)
{
    const auto logins = load_saved_logins(state);
    if (!logins) return logins.error();
    return active_login(*logins, options.server, now_in_seconds());
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
        if (auto taken = replies.on_reply(*reply); !taken) return with_way_back(taken.error(), login);
    }
    return {};
}

Failure with_way_back(Failure failure, const ActiveLogin& login)
{
    if (failure.status == ExitStatus::refused)
        failure.message += "\nLog in again: ftpc login " + login_argument(login.server, login.user);
    return failure;
}

} // namespace ftpc::client
