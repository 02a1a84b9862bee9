#include "server/transport/patience.hpp"

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
    case TimeLimit::last_words:
        return "last-reply";
    }
    return {};
}

void Patience::wait(For what, Time now)
{
    what_ = what;
    since_ = now;
}

void Patience::logged_in()
{
    stranger_since_.reset();
}

void Patience::logged_out(Time now)
{
    if (!stranger_since_) stranger_since_ = now;
}

void Patience::hurry(Time now)
{
    if (!hurries_since_) hurries_since_ = now;
}

std::optional<TimeLimit> Patience::exceeded(const Settings& settings, Time now) const
{
    if (hurries_since_ && now - *hurries_since_ >= last_words_time) return TimeLimit::last_words;
    if (what_ == For::last_reading && now - since_ >= last_words_time) return TimeLimit::last_words;
    if (what_ == For::handshake && now - since_ >= settings.tls_timeout) return TimeLimit::tls;
    if (what_ == For::taking && now - since_ >= settings.write_timeout) return TimeLimit::write;
    if (stranger_since_) {
        if (now - *stranger_since_ >= settings.login_timeout) return TimeLimit::login;
    } else if ((what_ == For::command && now - last_command_ >= settings.idle_timeout) ||
               (what_ == For::file_system && now - since_ >= settings.idle_timeout)) {
        return TimeLimit::idle;
    }
    return std::nullopt;
}

} // namespace ftpc::server
