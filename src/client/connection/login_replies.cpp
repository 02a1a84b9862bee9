#include "client/connection/login_replies.hpp"

#include "client/state/known_servers.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/protocol/command.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

bool is_temporary(const Reply& reply)
{
    return reply.code >= 400 && reply.code < 500; // RFC 959 §4.2.1: transient negative
}

} // namespace

std::string shown(const Reply& reply)
{
    std::string text = std::to_string(reply.code) + " " + reply.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    return printable(text);
}

std::optional<std::string> announced_realm(const Reply& feat)
{
    if (feat.code != 211) return std::nullopt;
    std::string_view rest = feat.text;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto [site, after_site] = split_first_word(line);
        const auto [feature, realm] = split_first_word(after_site);
        if (equal_ignoring_case(site, "SITE") && equal_ignoring_case(feature, "REALM") && is_realm(realm))
            return std::string{realm};
    }
    return std::nullopt;
}

std::optional<GrantedSession> granted_session(const Reply& reply)
{
    const auto [session, after_session] = split_first_word(reply.text);
    const auto [id, after_id] = split_first_word(after_session);
    const auto [expires, time] = split_first_word(after_id);
    if (reply.code != 200 || session != "SESSION" || expires != "EXPIRES") return std::nullopt;
    GrantedSession granted{};
    const auto seconds = parse_number<std::int64_t>(time, 1);
    if (!seconds || !hex_decode_into(id, granted.id)) return std::nullopt;
    granted.expires = *seconds;
    return granted;
}

Outcome<void> LoginReplies::on_reply(const Reply& reply)
{
    if (stage_ == Stage::user && reply.code == 331) {
        stage_ = Stage::auth;
        return {};
    }
    if (stage_ == Stage::auth && reply.code == 230) {
        stage_ = Stage::logged_in;
        return {};
    }
    const std::string name = server_.text();
    if (stage_ == Stage::auth && reply.code == 530 && reply.text.starts_with(home_unusable))
        return Failure{ExitStatus::failed, name + " cannot let " + user_ + " work: " + shown(reply)};
    if (stage_ == Stage::auth && reply.code == 530)
        return Failure{ExitStatus::refused, "login refused by " + name + " for " + user_};
    if (is_temporary(reply))
        return Failure{ExitStatus::unreachable, name + " cannot log you in now: " + shown(reply)};
    if (reply.code >= 500)
        return Failure{ExitStatus::refused, "login refused by " + name + ": " + shown(reply)};
    return Failure{ExitStatus::unreachable, name + " does not keep to the protocol: " + shown(reply)};
}

} // namespace ftpc::client
