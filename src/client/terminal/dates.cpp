#include "client/terminal/dates.hpp"

#include <array>
#include <chrono>
#include <ctime>

namespace ftpc::client {

namespace {

std::string format(std::int64_t time, const char* form)
{
    const auto moment = static_cast<std::time_t>(time);
    std::tm parts{};
    std::array<char, 64> text{};
    if (::localtime_r(&moment, &parts) == nullptr) return "?";
    return {text.data(), std::strftime(text.data(), text.size(), form, &parts)};
}

} // namespace

std::int64_t now_in_seconds()
{
    const auto now = std::chrono::system_clock::now();
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

std::string format_end(std::int64_t time, std::int64_t now)
{
    constexpr std::int64_t two_days = std::int64_t{2} * 24 * 3600;
    // In this form no sum overflows for any time that a server sends.
    const std::string date = format(time, time < now + two_days ? "%-d %b %Y %H:%M" : "%-d %b %Y");
    return time > now ? date : date + ", which has passed by the clock of this machine";
}

std::string format_date(std::int64_t time)
{
    return format(time, "%Y-%m-%d");
}

std::string format_minute(std::int64_t time)
{
    return format(time, "%Y-%m-%d %H:%M");
}

} // namespace ftpc::client
