// Session keys: SITE SESSION.
#include "server/ftp/session/session.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/numbers.hpp"

namespace ftpc::server {

Action Session::site_session(std::string_view argument)
{
    const auto [word, rest] = split_first_word(argument);
    if (equal_ignoring_case(word, "NEW")) return site_session_new(rest);
    if (equal_ignoring_case(word, "END")) return site_session_end(rest);
    if (equal_ignoring_case(word, "LIST") && rest.empty()) return ListKeys{};
    return bad_argument();
}

Action Session::site_session_new(std::string_view argument)
{
    const auto [key, lifetime] = split_first_word(argument);
    EnrolKey action;
    // protection: weak-key
    if (!base64_decode_into(key, action.key) || is_weak_key(action.key)) return bad_argument();
    if (!lifetime.empty()) {
        const auto seconds = parse_number<std::uint32_t>(lifetime, 1);
        if (!seconds) return bad_argument();
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
    if (!hex_decode_into(argument, id)) return bad_argument();
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

} // namespace ftpc::server
