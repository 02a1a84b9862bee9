// The clock of this machine: SITE TIME (docs/protocol.md §16).
#include "server/ftp/session/session.hpp"

#include <string>

namespace ftpc::server {

namespace {

// "1796033700.000000042"
std::string seconds_text(std::chrono::nanoseconds since_1970)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    const std::string fraction = std::to_string((since_1970 - seconds).count());
    return std::to_string(seconds.count()) + "." + std::string(9 - fraction.size(), '0') + fraction;
}

std::string_view word_for(ServerTime::State state)
{
    switch (state) {
    case ServerTime::State::synchronised:
        return "synchronised";
    case ServerTime::State::local:
        return "local";
    case ServerTime::State::unsynchronised:
        break;
    }
    return "unsynchronised";
}

} // namespace

Action Session::site_time(std::string_view argument)
{
    if (!argument.empty()) return bad_argument();
    return TellTime{};
}

Reply Session::on_time(const ServerTime& time)
{
    std::string text = "TIME " + seconds_text(time.received) + " " + seconds_text(time.sent) + " ";
    text += word_for(time.state);
    return {200,
            text + " " + std::to_string(time.max_error.count()) + " " + std::to_string(time.zone_offset)};
}

} // namespace ftpc::server
