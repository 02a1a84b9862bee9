// Logins: USER with PASS or SITE AUTH.
#include "server/ftp/session/session.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "shared/base/base64.hpp"
#include "shared/base/text.hpp"

#include <utility>

namespace ftpc::server {

namespace {

constexpr int most_refusals = 3;

// It tells nothing of any account: logins of such an address are not even checked.
Reply too_many_from_address(std::uint32_t retry_seconds)
{
    const std::uint32_t minutes = (retry_seconds + 59) / 60;
    return {421, "Too many refused logins from your address; try again in " + std::to_string(minutes) +
                     (minutes == 1 ? " minute." : " minutes.")};
}

// Without descriptors the connection ends, so that it holds none itself.
Action on_home_unusable(error_code failure)
{
    Reply reply = home_error_reply(failure);
    if (reply.code == 421) return LastReply{std::move(reply)};
    return reply;
}

} // namespace

void Session::forget_login()
{
    user_given_ = logged_in_ = may_enrol_ = by_password_ = false;
    user_.clear();
    working_directory_ = {};
}

Action Session::user(std::string_view name)
{
    forget_login(); // also by a name that is none: a PASS behind it was not meant for the user before
    if (name.empty() || !is_utf8(name) || has_control_character(name)) return bad_argument();
    user_given_ = true;
    // A name that nobody can have is refused later, after the same work as any other.
    user_ = is_user_name(name) ? name : std::string_view{};
    return Reply{331, "Password required."};
}

Action Session::pass(std::string_view password)
{
    if (!user_given_) return Reply{503, "USER first."};
    by_password_ = true;
    by_site_auth_ = false;
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
        return on_refused();
    }
    user_given_ = by_password_ = false; // another PASS needs another USER
    logged_in_ = true;
    may_enrol_ = by_password;
    return Reply{230, "Logged in."};
}

// The third refusal has two replies: a client that reads the first alone still learns why.
Action Session::on_refused()
{
    Reply refused{530, "Login refused."};
    // protection: third-refusal
    if (++refusals_ >= most_refusals) {
        LastReply last{{421, "Too many refused logins."}};
        last.before = std::move(refused);
        return last;
    }
    return refused;
}

Action Session::site_auth(std::string_view argument)
{
    const auto [method, rest] = split_first_word(argument);
    by_site_auth_ = true;
    if (equal_ignoring_case(method, "PREHASH1")) return site_auth_prehash(rest);
    if (equal_ignoring_case(method, "SESSKEY1")) return site_auth_session_key(rest);
    return Reply{504, "Only SITE AUTH PREHASH1 and SESSKEY1 are offered."};
}

Action Session::site_auth_prehash(std::string_view encoded)
{
    if (!user_given_) return Reply{503, "USER first."};
    LogInByPrehash action{user_, {}};
    if (!base64_decode_into(encoded, action.prehash)) return bad_argument();
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
        return bad_argument();
    by_password_ = false;
    return action;
}

} // namespace ftpc::server
