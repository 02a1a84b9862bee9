#include "client/commands/output.hpp"
#include "client/commands/session_login.hpp"
#include "client/commands/subcommands.hpp"
#include "client/connection/login_replies.hpp"
#include "client/terminal/dates.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/protocol/prehash.hpp"
#include "shared/terminal/password_prompt.hpp"

#include <boost/json/object.hpp>

#include <cstdlib>

namespace ftpc::client {

namespace {

// The user and the server of a login.
struct Whom {
    ServerAddress server;
    std::string user;
};

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

Outcome<Whom> choose_whom(const LoginTarget& target, const SavedLogins& logins)
{
    const SavedLogin* last = logins.most_recent();
    auto server = choose_server(target, last == nullptr ? std::nullopt : std::optional{last->server},
                                environment("FTPC_SERVER"));
    if (!server) return server.error();
    if (target.user) return Whom{*server, *target.user};
    if (const SavedLogin* there = logins.most_recent(*server)) return Whom{*server, there->user};
    const std::string user = environment("USER");
    if (!is_user_name(user))
        return Failure{ExitStatus::usage,
                       "no user name given; log in with: ftpc login USER@" + server->text()};
    return Whom{*server, user};
}

// `why` it is no password, in this program's own words.
Failure unfit(const error_code& why)
{
    const std::string what = why == Errc::not_utf8 ? "the password is " + why.message() : why.message();
    return {ExitStatus::refused, "nobody can log in with that: " + what};
}

Outcome<SecretText> get_password(const LoginOptions& options, const std::string& user)
{
    auto password =
        options.password_stdin ? read_password_from_stdin() : ask_password("Password for " + user + ": ");
    if (!password && !options.password_stdin &&
        password.error() == boost::system::errc::no_such_device_or_address)
        return Failure{ExitStatus::usage,
                       "there is no terminal to ask for the password: use --password-stdin"};
    if (!password && (password.error() == Errc::not_utf8 || password.error() == Errc::long_password))
        return unfit(password.error());
    if (!password) return Failure{ExitStatus::usage, "no password was given"};
    if (const auto fit = check_password(view(*password)); !fit) return unfit(fit.error());
    return std::move(*password);
}

// One login by password, over as many connections as it takes.
class PasswordLogin {
public:
    PasswordLogin(const LoginOptions& options, Whom whom, const StateDirectory& state)
        : options_{options}, whom_{std::move(whom)}, state_{state},
          settings_{connect_settings(options.common)}, keys_{make_session_key_pair()}
    {}

    // The connection stays open, for end_session() or leave().
    Outcome<SavedLogin> run()
    {
        auto connection = connect();
        if (!connection) return connection.error();
        const auto password = get_password(options_, whom_.user);
        if (!password) return password.error();
        const Prehash hash = prehash(view(*password), realm_, whom_.user);

        auto granted = log_in(std::move(*connection), hash);
        if (!granted && went_away_ && !settings_.allowance.used_up()) {
            // Typing a password takes longer than some servers wait.
            connection_.reset();
            connection = connect();
            if (!connection) return connection.error();
            granted = log_in(std::move(*connection), hash);
        }
        if (!granted) return granted.error();
        return SavedLogin{whom_.server, whom_.user,
                          SavedSession{granted->id, keys_.private_key, granted->expires}};
    }

    // Ends a session of the user, and the connection. One that cannot be ended now ends by itself.
    void end_session(const SavedSession& session)
    {
        connection_->send("SITE SESSION END " + hex_encode(session.id));
        connection_->send("QUIT");
        static_cast<void>(connection_->await_reply());
    }

    // Ends the connection; there is nothing more to hear from the server.
    void leave()
    {
        connection_->send("QUIT");
        static_cast<void>(connection_->exchange());
        connection_->close();
    }

private:
    // Reaches the server, and learns the realm to hash for.
    Outcome<ControlConnection> connect()
    {
        auto connection = open_trusted_connection(whom_.server, settings_, state_);
        if (!connection) return connection;
        connection->send("FEAT");
        const auto features = connection->await_reply();
        if (!features) return features.error();
        const auto realm = announced_realm(*features);
        if (!realm)
            return Failure{ExitStatus::unreachable,
                           whom_.server.text() + " has no login for ftpc (its FEAT names no realm)"};
        // check_realm() holds a second connection to the realm of the first.
        if (auto same = check_realm(whom_.server, *realm, state_); !same) return same.error();
        realm_ = *realm;
        return connection;
    }

    // USER, SITE AUTH and SITE SESSION NEW in one flight.
    Outcome<GrantedSession> log_in(ControlConnection opened, const Prehash& hash)
    {
        ControlConnection& connection = connection_.emplace(std::move(opened));
        connection.send("USER " + whom_.user);
        send_prehash(connection, hash);
        std::string enrol = "SITE SESSION NEW " + base64_encode(keys_.public_key);
        if (options_.ttl) enrol.append(1, ' ').append(std::to_string(options_.ttl->count()));
        connection.send(enrol);
        return await_session(connection);
    }

    static void send_prehash(ControlConnection& connection, const Prehash& hash)
    {
        std::string encoded = base64_encode(hash);
        SecretText command = secret_text("SITE AUTH PREHASH1 "); // it is as good as the password
        command.insert(command.end(), encoded.begin(), encoded.end());
        wipe(encoded.data(), encoded.size());
        connection.send(view(command));
    }

    Outcome<GrantedSession> await_session(ControlConnection& connection)
    {
        LoginReplies replies{whom_.server, whom_.user};
        went_away_ = true; // until a first reply, other than 421, shows that the server has listened
        while (!replies.complete()) {
            const auto reply = connection.await_reply();
            if (!reply) return reply.error();
            went_away_ = went_away_ && reply->code == 421;
            if (auto taken = replies.on_reply(*reply); !taken) return taken.error();
        }
        const auto reply = connection.await_reply();
        if (!reply) return reply.error();
        const auto granted = granted_session(*reply);
        if (granted) return *granted;
        return Failure{reply->code >= 500 ? ExitStatus::refused : ExitStatus::unreachable,
                       whom_.server.text() + " accepts the password but gives no session: " + shown(*reply)};
    }

    const LoginOptions& options_;
    Whom whom_;
    const StateDirectory& state_;
    ConnectSettings settings_;
    SessionKeyPair keys_;
    std::optional<ControlConnection> connection_; // that of the login
    std::string realm_;
    bool went_away_ = false;
};

// Whether the session ends earlier than was asked for. Nothing if it has ended already by the clock of this
// machine: that clock is wrong. In this form no sum overflows for any time that the server sends.
bool is_shortened(const SavedSession& session, const std::optional<std::chrono::seconds>& asked)
{
    constexpr std::int64_t clocks_may_differ = 300;
    const std::int64_t now = now_in_seconds();
    return asked && session.expires > now && session.expires < now + asked->count() - clocks_may_differ;
}

// `shortened`: the server allows less than was asked for.
void tell(const Output& output, const SavedLogin& login, bool shortened)
{
    const std::int64_t expires = login.session->expires;
    const std::string end = format_end(expires, now_in_seconds());
    output.result(
        "Logged in as " + login.user + " until " + end +
            (shortened ? ", the longest that the server allows" : "") + " (end it with: ftpc logout)",
        {{"server", login.server.text()}, {"user", login.user}, {"expires", expires}, {"logged_in", true}});
}

// A host name that stands alone has been taken for a user of the server on this machine.
Failure explained(Failure failure, const LoginTarget& target)
{
    const bool may_be_host = !target.host && target.user && target.user->find('.') != std::string::npos;
    if (failure.status == ExitStatus::unreachable && may_be_host)
        failure.message += " ('" + *target.user + "' was taken for a user; say it: ftpc login USER@HOST)";
    return failure;
}

Outcome<ExitStatus> log_in_and_save(const LoginOptions& options, const Output& output)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto logins = load_saved_logins(*state);
    if (!logins) return logins.error();
    const auto whom = choose_whom(options.target, *logins);
    if (!whom) return whom.error();
    // Nothing is asked for a login that could not be kept.
    // protection: kept-before-asked
    if (auto ready = state->prepare(sessions_file); !ready) return ready.error();

    PasswordLogin password_login{options, *whom, *state};
    const auto login = password_login.run();
    if (!login) return explained(login.error(), options.target);
    // Only a session that is saved takes the place of the one before; another one is of no use to anybody.
    const auto before = save_login(*state, *login);
    if (!before) {
        password_login.end_session(*login->session);
        return before.error();
    }
    tell(output, *login, is_shortened(*login->session, options.ttl));
    if (*before)
        password_login.end_session(**before);
    else
        password_login.leave();
    return ExitStatus::done;
}

} // namespace

ExitStatus login(const LoginOptions& options)
{
    const Output output{options.common.json};
    return output.status_of(log_in_and_save(options, output));
}

} // namespace ftpc::client
