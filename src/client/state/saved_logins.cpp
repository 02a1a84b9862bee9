#include "client/state/saved_logins.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/protocol/command.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

constexpr std::string_view nothing = "-";

std::optional<SavedSession> parse_session(std::string_view id, std::string_view key, std::string_view expires)
{
    SavedSession session{};
    const auto seconds = parse_number<std::int64_t>(expires, 1);
    if (!seconds || !hex_decode_into(id, session.id) || !base64_decode_into(key, session.private_key))
        return std::nullopt;
    session.expires = *seconds;
    return session;
}

Outcome<SavedLogin> parse_login(std::string_view line)
{
    const auto [address, after_address] = split_first_word(line);
    const auto [user, after_user] = split_first_word(after_address);
    const auto [id, after_id] = split_first_word(after_user);
    const auto [key, expires] = split_first_word(after_id);
    const auto server = parse_server(address);
    if (!server) return Failure{ExitStatus::failed, server.error().message};
    if (!is_user_name(user)) return Failure{ExitStatus::failed, "not a user name in the second field"};
    SavedLogin login{*server, std::string{user}, std::nullopt};
    if (id == nothing && key == nothing && expires == nothing) return login;
    login.session = parse_session(id, key, expires);
    if (!login.session)
        return Failure{ExitStatus::failed, "not a session (id, key, expiry) in the last three fields"};
    return login;
}

std::string format(const SavedLogin& login)
{
    std::string line = login.server.text() + " " + login.user + " ";
    if (!login.session) return line + "- - -";
    return line + hex_encode(login.session->id) + " " + base64_encode(login.session->private_key) + " " +
           std::to_string(login.session->expires);
}

Outcome<void> change_logins(const StateDirectory& state, const std::function<void(SavedLogins&)>& change)
{
    return state.update(sessions_file, [&](std::string_view text) -> Outcome<std::string> {
        auto logins = SavedLogins::parse(text);
        if (!logins) return state.in_file(sessions_file, logins.error());
        change(*logins);
        return logins->text();
    });
}

} // namespace

Outcome<SavedLogins> SavedLogins::parse(std::string_view text)
{
    SavedLogins logins;
    if (auto fault = find_text_fault(text); !fault.what.empty())
        return Failure{ExitStatus::failed, "line " + std::to_string(fault.line) + ": " + fault.what};
    for (TextLines lines{text}; lines.next();) {
        const std::string_view line = lines.line();
        if (line.empty() || line.front() == '#') continue;
        auto login = parse_login(line);
        if (!login)
            return Failure{ExitStatus::failed,
                           "line " + std::to_string(lines.number()) + ": " + login.error().message};
        logins.logins_.push_back(std::move(*login));
    }
    return logins;
}

const SavedLogin* SavedLogins::most_recent(const std::optional<ServerAddress>& server) const
{
    const auto found = std::find_if(logins_.begin(), logins_.end(), [&](const SavedLogin& login) {
        return !server || login.server == *server;
    });
    return found == logins_.end() ? nullptr : &*found;
}

const SavedLogin* SavedLogins::find(const ServerAddress& server, std::string_view user) const
{
    const auto found = std::find_if(logins_.begin(), logins_.end(), [&](const SavedLogin& login) {
        return login.server == server && login.user == user;
    });
    return found == logins_.end() ? nullptr : &*found;
}

void SavedLogins::put_first(const SavedLogin& login)
{
    std::erase_if(logins_, [&](const SavedLogin& other) {
        return other.server == login.server && other.user == login.user;
    });
    logins_.insert(logins_.begin(), login);
}

void SavedLogins::end(const ServerAddress& server, std::string_view user, const SessionId& id)
{
    for (SavedLogin& login : logins_) {
        const bool same = login.server == server && login.user == user;
        if (same && login.session && login.session->id == id) login.session.reset();
    }
}

std::string SavedLogins::text() const
{
    std::string text =
        "# Logins of ftpc, the most recent first. Anybody with this file is logged in: keep it private.\n";
    for (const SavedLogin& login : logins_)
        text += format(login) + "\n";
    return text;
}

Outcome<SavedLogins> load_saved_logins(const StateDirectory& state)
{
    auto text = state.read(sessions_file);
    if (!text) return text.error();
    auto logins = SavedLogins::parse(*text);
    wipe(text->data(), text->size());
    if (!logins) return state.in_file(sessions_file, logins.error());
    return logins;
}

Outcome<std::optional<SavedSession>> save_login(const StateDirectory& state, const SavedLogin& login)
{
    std::optional<SavedSession> before;
    const auto changed = change_logins(state, [&](SavedLogins& logins) {
        if (const SavedLogin* other = logins.find(login.server, login.user)) before = other->session;
        logins.put_first(login);
    });
    if (!changed) return changed.error();
    return before;
}

Outcome<void> forget_session(const StateDirectory& state, const ActiveLogin& login)
{
    return change_logins(
        state, [&](SavedLogins& logins) { logins.end(login.server, login.user, login.session.id); });
}

std::string login_argument(const ServerAddress& server, std::string_view user)
{
    const bool bare = server.port == default_port && server.host.find(':') == std::string::npos;
    return std::string{user} + "@" + (bare ? server.host : server.text());
}

Outcome<ActiveLogin> active_login(const SavedLogins& logins, const std::optional<ServerAddress>& server)
{
    const SavedLogin* login = logins.most_recent(server);
    if (login == nullptr)
        return Failure{ExitStatus::refused, "not logged in" + (server ? " at " + server->text() : "") +
                                                "\nLog in: ftpc login " +
                                                (server ? login_argument(*server, "USER") : "USER@HOST")};
    if (!login->session)
        return Failure{ExitStatus::refused, "not logged in at " + login->server.text() +
                                                "\nLog in again: ftpc login " +
                                                login_argument(login->server, login->user)};
    return ActiveLogin{login->server, login->user, *login->session};
}

} // namespace ftpc::client
