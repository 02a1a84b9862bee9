#include "server/net/event_log.hpp"

#include <chrono>

namespace ftpc::server {

namespace {

constexpr std::chrono::milliseconds longest_delay{20};
// With every byte of it escaped and the other fields the line still fits into one write.
constexpr std::size_t max_logged_path_bytes = 700;

using Clock = std::chrono::steady_clock;

} // namespace

std::optional<std::uint64_t> LogBounds::pass_stranger()
{
    const std::scoped_lock lock{mutex_};
    return strangers_.pass(Clock::now());
}

std::optional<std::uint64_t> LogBounds::pass(Trouble kind)
{
    const std::scoped_lock lock{mutex_};
    return troubles_.at(static_cast<std::size_t>(kind)).pass(Clock::now());
}

void EventLog::event(std::string_view event, Fields fields)
{
    write(event, fields, 0);
}

void EventLog::stranger(std::string_view event, Fields fields)
{
    if (const auto withheld = bounds_->pass_stranger()) write(event, fields, *withheld);
}

void EventLog::trouble(Trouble kind, std::string_view event, Fields fields)
{
    if (const auto withheld = bounds_->pass(kind)) write(event, fields, *withheld);
}

void EventLog::write(std::string_view event, Fields fields, std::uint64_t withheld)
{
    flush();
    log_after(withheld, event, fields);
}

void EventLog::directory_made(std::uint64_t connection, std::string_view user, std::string_view path,
                              std::size_t made)
{
    const bool cut = path.size() > max_logged_path_bytes;
    const std::size_t before = lines_.size();
    if (cut) {
        append_log_event(lines_, "directory-made",
                         {{"id", connection},
                          {"user", user},
                          {"path-begins", path.substr(0, max_logged_path_bytes)},
                          {"path-bytes", path.size()},
                          {"made", made}});
    } else if (made > 1) {
        append_log_event(lines_, "directory-made",
                         {{"id", connection}, {"user", user}, {"path", path}, {"made", made}});
    } else {
        append_log_event(lines_, "directory-made", {{"id", connection}, {"user", user}, {"path", path}});
    }
    ++line_count_;
    if (lines_.size() > max_log_write_bytes()) {
        write_log(std::string_view{lines_}.substr(0, before), line_count_ - 1);
        lines_.erase(0, before);
        line_count_ = 1;
    }
    flush_later();
}

void EventLog::flush_later()
{
    if (timer_runs_) return;
    timer_runs_ = true;
    timer_.expires_after(longest_delay);
    timer_.async_wait([this](const boost::system::error_code& failure) {
        if (failure) return; // the process ends
        timer_runs_ = false;
        flush();
    });
}

void EventLog::flush()
{
    if (lines_.empty()) return;
    write_log(lines_, line_count_);
    lines_.clear();
    line_count_ = 0;
}

} // namespace ftpc::server
