#include "server/log/event_log.hpp"

#include "shared/base/text.hpp"

#include <chrono>

namespace ftpc::server {

namespace {

constexpr EventLog::Delay longest_delay{20};
constexpr std::size_t most_gathered = 64;
constexpr std::string_view event_directory_made = "directory-made";

using Clock = std::chrono::steady_clock;

} // namespace

std::optional<std::uint64_t> LogBounds::pass_unauthenticated()
{
    const std::scoped_lock lock{mutex_};
    return unauthenticated_.pass(Clock::now());
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

void EventLog::unauthenticated(std::string_view event, Fields fields)
{
    if (const auto withheld = bounds_->pass_unauthenticated()) write(event, fields, *withheld);
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

// Between two system calls little of the code is in the processor's caches. Formatting many lines at once
// takes a fraction of the time.
void EventLog::directory_made(std::uint64_t connection, std::string_view user, std::string_view path,
                              std::size_t made)
{
    const std::string_view logged = first_bytes(path, max_path_bytes);
    gathered_.push_back({connection, user.size(), logged.size(), path.size(), made});
    gathered_text_.append(user).append(logged);
    if (gathered_.size() == most_gathered) put_into_words();
    if (flush_later_ && !std::exchange(will_flush_, true)) flush_later_(longest_delay);
}

void EventLog::put_into_words()
{
    if (gathered_.empty()) return;
    const std::string_view time = log_time_now();
    std::string_view text = gathered_text_;
    const auto take = [&text](std::size_t bytes) {
        const std::string_view taken = text.substr(0, bytes);
        text.remove_prefix(bytes);
        return taken;
    };
    const Gathered* before = nullptr;
    std::string_view last_user;
    for (const Gathered& directory : gathered_) {
        const std::string_view user = take(directory.user_bytes);
        const std::string_view path = take(directory.logged_bytes);
        if (before == nullptr || before->connection != directory.connection || last_user != user)
            directory_made_.set(time, event_directory_made, {{"id", directory.connection}, {"user", user}},
                                "path");
        before = &directory;
        last_user = user;
        append_line(time, directory, user, path);
    }
    gathered_.clear();
    gathered_text_.clear();
}

void EventLog::append_line(std::string_view time, const Gathered& directory, std::string_view user,
                           std::string_view path)
{
    const std::size_t before = lines_.size();
    const bool whole = path.size() == directory.path_bytes;
    if (whole && directory.made == 1) {
        directory_made_.append_line(lines_, path);
    } else {
        const LogField id{"id", directory.connection};
        const LogField by{"user", user};
        const LogField made{"made", directory.made};
        if (whole)
            append_log_event(lines_, time, event_directory_made, {id, by, {"path", path}, made});
        else
            append_log_event(
                lines_, time, event_directory_made,
                {id, by, {"path-begins", path}, {"path-bytes", std::uint64_t{directory.path_bytes}}, made});
    }
    ++line_count_;
    if (lines_.size() > max_log_write_bytes()) {
        write_log(std::string_view{lines_}.substr(0, before), line_count_ - 1);
        lines_.erase(0, before);
        line_count_ = 1;
    }
}

void EventLog::flush_on_time()
{
    will_flush_ = false;
    flush();
}

void EventLog::flush()
{
    put_into_words();
    if (lines_.empty()) return;
    write_log(lines_, line_count_);
    lines_.clear();
    line_count_ = 0;
}

} // namespace ftpc::server
