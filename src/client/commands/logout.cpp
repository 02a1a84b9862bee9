#include "client/commands/output.hpp"
#include "client/commands/session_login.hpp"
#include "client/commands/subcommands.hpp"
#include "client/connection/login_replies.hpp"

#include <boost/json/object.hpp>

namespace ftpc::client {

namespace {

// Ends the session on the server. Fails with ExitStatus::refused when the server knows it no more.
Outcome<void> end_on_server(const PlainOptions& options, const ActiveLogin& login,
                            const StateDirectory& state)
{
    auto connection = open_trusted_connection(login.server, connect_settings(options.common), state);
    if (!connection) return connection.error();
    send_session_login(*connection, login);
    connection->send("SITE SESSION END");
    connection->send("QUIT");
    if (auto logged_in = await_session_login(*connection, login); !logged_in) return logged_in;
    const auto ended = connection->await_reply();
    if (!ended) return ended.error();
    if (ended->code == 200 || ended->code == 550) return {};
    return Failure{ExitStatus::unreachable,
                   login.server.text() + " did not end the session: " + shown(*ended)};
}

// Whether the server has the session no more.
bool is_gone(const Outcome<void>& ended)
{
    return ended || ended.error().status == ExitStatus::refused;
}

// The server's answer decides the exit status; this machine forgets the session in any case.
ExitStatus tell(const Output& output, const ActiveLogin& login, const Outcome<void>& ended)
{
    if (!is_gone(ended)) {
        output.failure(
            {ended.error().status, ended.error().message +
                                       "\nThe session is removed here, but the server keeps it until it "
                                       "expires or the password is changed"});
        return ended.error().status;
    }
    output.result("Logged out " + login.user + " from " + login.server.text() +
                      (ended ? "" : " (the server had already ended the session)"),
                  {{"server", login.server.text()}, {"user", login.user}, {"logged_in", false}});
    return ExitStatus::done;
}

// The session stays in the file here; whether anybody can use it depends on the server.
Failure not_forgotten(Failure failure, const Outcome<void>& ended)
{
    failure.message += is_gone(ended) ? "\nThe server has ended the session: what is left here is of no use"
                                      : "\nNor has the server ended it: " + ended.error().message;
    return failure;
}

Outcome<ExitStatus> end_session(const PlainOptions& options, const Output& output)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto login = find_login(options.common, *state);
    if (!login) return login.error();
    const auto ended = end_on_server(options, *login, *state);
    if (auto forgotten = forget_session(*state, *login); !forgotten)
        return not_forgotten(forgotten.error(), ended);
    return tell(output, *login, ended);
}

} // namespace

ExitStatus logout(const PlainOptions& options)
{
    const Output output{options.common.json};
    return output.status_of(end_session(options, output));
}

} // namespace ftpc::client
