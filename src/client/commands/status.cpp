#include "client/commands/output.hpp"
#include "client/commands/session_login.hpp"
#include "client/commands/subcommands.hpp"
#include "client/terminal/dates.hpp"

#include <boost/json/object.hpp>

namespace ftpc::client {

namespace {

// Logs in with the session and leaves again.
Outcome<void> try_session(const ConnectSettings& settings, const ActiveLogin& login,
                          const StateDirectory& state)
{
    auto connection = open_trusted_connection(login.server, settings, state);
    if (!connection) return connection.error();
    send_session_login(*connection, login);
    connection->send("QUIT");
    return await_session_login(*connection, login);
}

void tell_login(const Output& output, const ActiveLogin& login, bool holds)
{
    const std::string who = login.user + " at " + login.server.text();
    const std::string until = " until " + format_end(login.session.expires, now_in_seconds());
    output.result(holds ? "Logged in as " + who + until : "Saved here: a session of " + who + until,
                  {{"server", login.server.text()},
                   {"user", login.user},
                   {"expires", login.session.expires},
                   {"logged_in", holds}});
}

Outcome<ExitStatus> show_status(const PlainOptions& options, const Output& output)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    auto login = find_login(options.common, *state);
    if (!login) return login.error();
    const auto settings = connect_settings(options.common);
    const auto holds = with_saved_login(*login, *state, [&](const ActiveLogin& tried) {
        *login = tried;
        return try_session(settings, tried, *state);
    });
    tell_login(output, *login, holds.has_value());
    if (!holds) return holds.error();
    return ExitStatus::done;
}

} // namespace

ExitStatus status(const PlainOptions& options)
{
    const Output output{options.common.json};
    return output.status_of(show_status(options, output));
}

} // namespace ftpc::client
