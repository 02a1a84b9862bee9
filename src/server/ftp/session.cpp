#include "server/ftp/session.hpp"

#include "server/ftp/error_reply.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ftpc::server {

namespace {

constexpr int most_refusals = 3;

const Reply bad_argument{501, "Syntax error in the argument."};

// The size may have any value, which is not used.
bool is_number(std::string_view text)
{
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The first line of an HTTP request (RFC 9112 §3), or a Host field without one. A browser has been led here,
// and the next lines are not its user's (ALPACA, CVE-2021-3618). The methods are case-sensitive, and none is
// an FTP verb.
bool speaks_http(std::string_view line)
{
    constexpr std::array methods{"GET",     "POST",  "HEAD",  "PUT", "DELETE", "OPTIONS",
                                 "CONNECT", "TRACE", "PATCH", "PRI", "Host:"};
    const std::string_view word = split_first_word(line).word;
    return std::find(methods.begin(), methods.end(), word) != methods.end();
}

// It tells nothing of any account: logins of such an address are not even checked.
Reply too_many_from_address(std::uint32_t retry_seconds)
{
    const std::uint32_t minutes = (retry_seconds + 59) / 60;
    return {421, "Too many refused logins from your address; try again in " + std::to_string(minutes) +
                     (minutes == 1 ? " minute." : " minutes.")};
}

Reply quoted_path_reply(int code, const RemotePath& path, std::string_view words)
{
    Reply reply{code, {}};
    append_quoted(reply.text, path.text());
    reply.text += words;
    return reply;
}

// Without descriptors the connection ends, so that it holds none itself.
Action on_home_unusable(error_code failure)
{
    Reply reply = home_error_reply(failure);
    if (reply.code == 421) return LastReply{std::move(reply)};
    return reply;
}

} // namespace

// The state that each command needs before its handler is even called.
const Session::Row* Session::find_row(Verb verb)
{
    static constexpr std::array rows{
        Row{Verb::mkd, Needs::login, Takes::argument, &Session::mkd},
        Row{Verb::site, Needs::tls, Takes::argument, &Session::site},
        Row{Verb::cwd, Needs::login, Takes::argument, &Session::cwd},
        Row{Verb::cdup, Needs::login, Takes::nothing, &Session::cdup},
        Row{Verb::pwd, Needs::login, Takes::nothing, &Session::pwd},
        Row{Verb::user, Needs::tls, Takes::optional_argument, &Session::user},
        Row{Verb::pass, Needs::tls, Takes::optional_argument, &Session::pass},
        Row{Verb::auth, Needs::nothing, Takes::argument, &Session::auth},
        Row{Verb::pbsz, Needs::tls, Takes::argument, &Session::pbsz},
        Row{Verb::prot, Needs::tls, Takes::argument, &Session::prot},
        Row{Verb::ccc, Needs::tls, Takes::nothing, &Session::ccc},
        Row{Verb::rein, Needs::tls, Takes::nothing, &Session::rein},
        Row{Verb::quit, Needs::nothing, Takes::nothing, &Session::quit},
        Row{Verb::feat, Needs::nothing, Takes::nothing, &Session::feat},
        Row{Verb::help, Needs::nothing, Takes::optional_argument, &Session::help},
        Row{Verb::syst, Needs::nothing, Takes::nothing, &Session::syst},
        Row{Verb::noop, Needs::nothing, Takes::optional_argument, &Session::noop},
        Row{Verb::stat, Needs::login, Takes::optional_argument, &Session::stat},
        Row{Verb::type, Needs::login, Takes::argument, &Session::type},
        Row{Verb::mode, Needs::login, Takes::argument, &Session::mode},
        Row{Verb::stru, Needs::login, Takes::argument, &Session::stru},
        Row{Verb::allo, Needs::login, Takes::argument, &Session::allo},
        Row{Verb::opts, Needs::tls, Takes::argument, &Session::opts},
    };
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.verb == verb; });
    return row == rows.end() ? nullptr : &*row;
}

Action Session::on_line(std::string_view line)
{
    const auto command = parse_command(line);
    if (!command && speaks_http(line)) return LastReply{{421, "This is not a web server."}};
    if (!command) return Reply{500, "Unknown command."};
    if (command->verb == Verb::known_elsewhere) return Reply{502, "This server does not have that command."};
    const Row& row = *find_row(command->verb);
    // protection: tls-first
    if (row.needs != Needs::nothing && tls_ == TlsVersion::none) return Reply{534, "Use AUTH TLS first."};
    if (row.needs == Needs::login && !logged_in_) return Reply{530, "Log in first."};
    if (row.takes == Takes::nothing && !command->argument.empty()) return bad_argument;
    if (row.takes == Takes::argument && command->argument.empty()) return bad_argument;
    return (this->*row.handle)(command->argument);
}

// ---- protection (RFC 4217, RFC 2228)

void Session::on_tls(TlsVersion version)
{
    forget_login();
    buffer_size_set_ = false;
    tls_ = version;
}

Action Session::auth(std::string_view mechanism)
{
    if (tls_ != TlsVersion::none) return Reply{503, "TLS is on already."};
    if (!equal_ignoring_case(mechanism, "TLS")) return Reply{504, "Only AUTH TLS is offered."};
    return StartTls{{234, "Begin TLS."}};
}

Action Session::pbsz(std::string_view size)
{
    if (!is_number(size)) return bad_argument;
    buffer_size_set_ = true;
    return Reply{200, "PBSZ=0"};
}

Action Session::prot(std::string_view level)
{
    if (!buffer_size_set_) return Reply{503, "PBSZ 0 first."};
    if (equal_ignoring_case(level, "P")) return Reply{200, "Protection is private."};
    if (equal_ignoring_case(level, "C")) return Reply{534, "Nothing goes unprotected here."};
    if (equal_ignoring_case(level, "S") || equal_ignoring_case(level, "E"))
        return Reply{536, "TLS has no such level."};
    return Reply{504, "Unknown protection level."};
}

Action Session::ccc(std::string_view)
{
    return Reply{534, "Nothing goes unprotected here."};
}

Action Session::rein(std::string_view)
{
    on_tls(TlsVersion::none);
    return StopTls{{220, "Ready for a new login; TLS ends here."}};
}

Action Session::quit(std::string_view)
{
    return LastReply{{221, "Goodbye."}};
}

// ---- login

void Session::forget_login()
{
    user_given_ = logged_in_ = may_enrol_ = by_password_ = false;
    user_.clear();
    working_directory_ = {};
}

Action Session::user(std::string_view name)
{
    forget_login(); // also by a name that is none: a PASS behind it was not meant for the user before
    if (name.empty() || !is_utf8(name) || has_control_character(name)) return bad_argument;
    user_given_ = true;
    // A name that nobody can have is refused later, after the same work as any other.
    user_ = is_user_name(name) ? name : std::string_view{};
    return Reply{331, "Password required."};
}

Action Session::pass(std::string_view password)
{
    if (!user_given_) return Reply{503, "USER first."};
    by_password_ = true;
    if (!check_password(password)) return on_login(LoginOutcome::refused);
    return LogInByPassword{user_, secret_text(password)};
}

Action Session::on_login(LoginOutcome outcome, std::uint32_t retry_seconds, error_code home_failure)
{
    const bool by_password = by_password_;
    const std::string name = user_;
    if (outcome != LoginOutcome::granted) {
        forget_login();
        if (outcome == LoginOutcome::unavailable)
            return Reply{451, "Logins cannot be checked now; try again."};
        if (outcome == LoginOutcome::home_unusable) return on_home_unusable(home_failure);
        if (outcome == LoginOutcome::too_many_sessions)
            return LastReply{{421, "Too many sessions of this user; end one of them first."}};
        if (outcome == LoginOutcome::turned_out)
            return LastReply{{421, "Too many connections; try again later."}};
        if (outcome == LoginOutcome::busy)
            return LastReply{{421, "Too many logins are waiting; try again later."}};
        if (outcome == LoginOutcome::limited) return LastReply{too_many_from_address(retry_seconds)};
        // protection: third-refusal
        if (++refusals_ >= most_refusals) return LastReply{{421, "Too many refused logins."}};
        return Reply{530, "Login refused."};
    }
    user_given_ = by_password_ = false; // another PASS needs another USER
    logged_in_ = true;
    may_enrol_ = by_password;
    return Reply{230, "Logged in."};
}

Action Session::site_auth(std::string_view argument)
{
    const auto [method, rest] = split_first_word(argument);
    if (equal_ignoring_case(method, "PREHASH1")) return site_auth_prehash(rest);
    if (equal_ignoring_case(method, "SESSKEY1")) return site_auth_session_key(rest);
    return Reply{504, "Only SITE AUTH PREHASH1 and SESSKEY1 are offered."};
}

Action Session::site_auth_prehash(std::string_view encoded)
{
    if (!user_given_) return Reply{503, "USER first."};
    LogInByPrehash action{user_, {}};
    if (!base64_decode_into(encoded, action.prehash)) return bad_argument;
    by_password_ = true;
    return action;
}

Action Session::site_auth_session_key(std::string_view argument)
{
    if (!user_given_) return Reply{503, "USER first."};
    if (tls_ != TlsVersion::tls_1_3) return Reply{534, "SESSKEY1 needs TLS 1.3."};
    const auto [id, signature] = split_first_word(argument);
    LogInBySessionKey action{user_, {}, {}};
    if (!hex_decode_into(id, action.session) || !base64_decode_into(signature, action.signature))
        return bad_argument;
    by_password_ = false;
    return action;
}

// ---- session keys

Action Session::site_session(std::string_view argument)
{
    if (!logged_in_) return Reply{530, "Log in first."};
    const auto [word, rest] = split_first_word(argument);
    if (equal_ignoring_case(word, "NEW")) return site_session_new(rest);
    if (equal_ignoring_case(word, "END")) return site_session_end(rest);
    if (equal_ignoring_case(word, "LIST") && rest.empty()) return ListKeys{};
    return bad_argument;
}

Action Session::site_session_new(std::string_view argument)
{
    const auto [key, lifetime] = split_first_word(argument);
    EnrolKey action;
    // protection: weak-key
    if (!base64_decode_into(key, action.key) || is_weak_key(action.key)) return bad_argument;
    if (!lifetime.empty()) {
        const auto seconds = parse_number<std::uint32_t>(lifetime, 1);
        if (!seconds) return bad_argument;
        action.lifetime_seconds = *seconds;
    }
    if (!may_enrol_) return Reply{503, "A key can be enrolled once for each login by password."};
    may_enrol_ = false;
    return action;
}

Reply Session::on_key_enrolled(const ipc::EnrolAnswer& answer) const
{
    if (!answer.enrolled) return {451, "The key could not be enrolled; log in again."};
    return {200, "SESSION " + hex_encode(answer.session) + " EXPIRES " + std::to_string(answer.expires)};
}

Action Session::site_session_end(std::string_view argument)
{
    if (argument.empty()) return EndKey{};
    SessionId id;
    if (!hex_decode_into(argument, id)) return bad_argument;
    return EndKey{id};
}

Reply Session::on_key_ended(const ipc::EndAnswer& answer) const
{
    switch (answer.status) {
    case ipc::EndStatus::ended:
        return {200, "Session ended."};
    case ipc::EndStatus::not_written:
        return {451, "The session key could not be ended; try again."};
    case ipc::EndStatus::no_such_key:
        break;
    }
    return {550, "There is no such session key."};
}

Reply Session::on_keys_listed(const ipc::ListAnswer& answer) const
{
    Reply reply{200, "Session keys:"};
    for (const ipc::ListedKey& key : answer.keys)
        reply.text += "\n" + hex_encode(key.session) + " CREATED " + std::to_string(key.created) +
                      " EXPIRES " + std::to_string(key.expires);
    reply.text += "\nEnd";
    return reply;
}

// ---- directories

Result<RemotePath> Session::new_directory(std::string_view argument) const
{
    auto path = working_directory_.resolve(argument);
    // protection: depth
    if (path && path->depth() > max_new_depth) return Errc::too_deep;
    return path;
}

Action Session::mkd(std::string_view argument)
{
    auto path = new_directory(argument);
    if (!path) return error_reply(path.error(), argument);
    const bool in_working_directory = argument == path->name();
    return MakeDirectory{std::move(*path), in_working_directory};
}

Reply Session::on_directory_made(const RemotePath& path, error_code failure) const
{
    if (failure) return error_reply(failure, path.text());
    return quoted_path_reply(257, path, " created.");
}

Action Session::site_mkdir(std::string_view argument)
{
    if (!logged_in_) return Reply{530, "Log in first."};
    auto path = new_directory(argument);
    if (!path) return error_reply(path.error(), argument);
    return MakePath{std::move(*path)};
}

Reply Session::on_path_made(const RemotePath& path, bool made, error_code failure) const
{
    if (failure) return error_reply(failure, path.text());
    return made ? quoted_path_reply(257, path, " created.") : quoted_path_reply(250, path, " is there.");
}

Action Session::cwd(std::string_view argument)
{
    auto path = working_directory_.resolve(argument);
    if (!path) return error_reply(path.error(), argument);
    return ChangeDirectory{std::move(*path)};
}

Action Session::cdup(std::string_view)
{
    return ChangeDirectory{working_directory_.parent()};
}

Reply Session::on_directory_changed(const RemotePath& path, error_code failure)
{
    if (failure) return error_reply(failure, path.text());
    working_directory_ = path;
    return quoted_path_reply(250, path, " is the working directory.");
}

Action Session::pwd(std::string_view)
{
    return quoted_path_reply(257, working_directory_, " is the working directory.");
}

// ---- commands of any FTP server

Action Session::feat(std::string_view)
{
    Reply reply{211, "Features:\nAUTH TLS\nPBSZ\nPROT\nUTF8"};
    if (tls_ != TlsVersion::none) {
        reply.text += "\nSITE AUTH PREHASH1;SESSKEY1\nSITE MKDIR";
        if (!realm_->empty()) reply.text += "\nSITE REALM " + *realm_;
        reply.text += "\nSITE SESSION";
    }
    reply.text += "\nEnd";
    return reply;
}

Action Session::help(std::string_view)
{
    return Reply{214, "Commands:\n"
                      "ALLO AUTH CDUP CWD FEAT HELP MKD MODE NOOP OPTS PASS PBSZ PROT PWD\n"
                      "QUIT REIN SITE STAT STRU SYST TYPE USER XCUP XCWD XMKD XPWD\n"
                      "SITE AUTH, SITE MKDIR, SITE SESSION, SITE HELP\n"
                      "End"};
}

Action Session::syst(std::string_view)
{
    return Reply{215, "UNIX Type: L8"};
}

Action Session::stat(std::string_view path)
{
    if (!path.empty()) return Reply{504, "STAT of a path is not implemented."};
    Reply reply{211,
                "Status:\nLogged in as " + user_ + "\nTLS 1." + (tls_ == TlsVersion::tls_1_3 ? "3" : "2")};
    reply.text += "\nWorking directory ";
    append_quoted(reply.text, working_directory_.text());
    reply.text += "\nEnd";
    return reply;
}

Action Session::noop(std::string_view)
{
    return Reply{200, "OK."};
}

Action Session::type(std::string_view code)
{
    constexpr std::array known{"A", "A N", "I", "L 8"};
    const auto matches = [&](std::string_view name) { return equal_ignoring_case(code, name); };
    if (std::any_of(known.begin(), known.end(), matches)) return Reply{200, "OK."};
    return Reply{504, "Only TYPE A, I and L 8."};
}

Action Session::mode(std::string_view code)
{
    return equal_ignoring_case(code, "S") ? Reply{200, "OK."} : Reply{504, "Only MODE S."};
}

Action Session::stru(std::string_view code)
{
    return equal_ignoring_case(code, "F") ? Reply{200, "OK."} : Reply{504, "Only STRU F."};
}

Action Session::allo(std::string_view size)
{
    return is_number(split_first_word(size).word) ? Reply{202, "No need to allocate."} : bad_argument;
}

Action Session::opts(std::string_view option)
{
    if (equal_ignoring_case(option, "UTF8") || equal_ignoring_case(option, "UTF8 ON"))
        return Reply{200, "UTF-8 is on."};
    if (equal_ignoring_case(option, "UTF8 OFF")) return Reply{504, "Names are always UTF-8."};
    return Reply{501, "No such option."};
}

Action Session::site(std::string_view argument)
{
    const auto [word, rest] = split_first_word(argument);
    if (equal_ignoring_case(word, "MKDIR")) return site_mkdir(rest);
    if (equal_ignoring_case(word, "AUTH")) return site_auth(rest);
    if (equal_ignoring_case(word, "SESSION")) return site_session(rest);
    if (equal_ignoring_case(word, "HELP")) return help({});
    return Reply{504, "Only SITE AUTH, MKDIR, SESSION and HELP."};
}

} // namespace ftpc::server
