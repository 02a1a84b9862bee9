#include "server/supervisor/restart_pause.hpp"

#include <algorithm>
#include <cstdint>

namespace ftpc::server {

namespace {

constexpr std::size_t most_doublings = 24; // of a pause: days

} // namespace

void RestartPause::ended(Time now, bool had_served, std::size_t left_behind)
{
    if (now - started_ <= long_enough)
        return grow(now, had_served ? longest_of_serving : longest, left_behind);
    pause_ = {};
    begin(now, left_behind);
}

void RestartPause::could_not_start(Time now, std::size_t left_behind)
{
    grow(now, longest, left_behind);
}

void RestartPause::grow(Time now, std::chrono::milliseconds most, std::size_t left_behind)
{
    pause_ = std::clamp(pause_ * 2, shortest, most);
    begin(now, left_behind);
}

void RestartPause::begin(Time now, std::size_t left_behind)
{
    restart_at_ = now + pause_;
    const auto doublings = std::min(left_behind, most_doublings);
    if (doublings > 0) restart_at_ += shortest * (std::int64_t{1} << doublings);
}

} // namespace ftpc::server
