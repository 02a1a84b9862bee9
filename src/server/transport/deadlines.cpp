#include "server/transport/deadlines.hpp"

namespace ftpc::server {

std::string_view setting_name(TimeLimit limit)
{
    switch (limit) {
    case TimeLimit::login:
        return "login-timeout";
    case TimeLimit::tls:
        return "tls-timeout";
    case TimeLimit::idle:
        return "idle-timeout";
    case TimeLimit::write:
        return "write-timeout";
    case TimeLimit::auth:
        return "auth-answer";
    case TimeLimit::last_reply:
        return "last-reply";
    }
    return {};
}

void Deadlines::wait(For what, Time now)
{
    what_ = what;
    since_ = now;
}

void Deadlines::logged_in()
{
    unauthenticated_since_.reset();
}

void Deadlines::logged_out(Time now)
{
    if (!unauthenticated_since_) unauthenticated_since_ = now;
}

void Deadlines::hurry(Time now)
{
    if (!hurries_since_) hurries_since_ = now;
}

std::optional<TimeLimit> Deadlines::exceeded(const Settings& settings, Time now) const
{
    if (hurries_since_ && now - *hurries_since_ >= last_reply_time) return TimeLimit::last_reply;
    if (what_ == For::last_reading && now - since_ >= last_reply_time) return TimeLimit::last_reply;
    // protection: time-limits
    if (what_ == For::handshake && now - since_ >= settings.tls_timeout) return TimeLimit::tls;
    if (what_ == For::taking && now - since_ >= settings.write_timeout) return TimeLimit::write;
    if (unauthenticated_since_) {
        if (now - *unauthenticated_since_ >= settings.login_timeout) return TimeLimit::login;
    } else if ((what_ == For::command && now - last_command_ >= settings.idle_timeout) ||
               (what_ == For::file_system && now - since_ >= settings.idle_timeout)) {
        return TimeLimit::idle;
    }
    if (what_ == For::auth && now - since_ >= auth_time) return TimeLimit::auth;
    return std::nullopt;
}

} // namespace ftpc::server
