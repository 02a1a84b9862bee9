#include "server/auth/users_reader.hpp"

#include "server/config/settings.hpp"
#include "server/log/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace ftpc::server {

UsersReader::UsersReader(boost::asio::io_context& loop, UsersFile& users, std::function<void()> on_changed,
                         std::function<Clock::time_point()> now)
    : users_{users}, on_changed_{std::move(on_changed)}, now_{std::move(now)}, timer_{loop}
{}

void UsersReader::watch(int data)
{
    auto& loop = static_cast<boost::asio::io_context&>(timer_.get_executor().context());
    auto watch =
        DirectoryWatch::start(loop, data, users_file_name, [this](bool replaced) { on_change(replaced); });
    if (watch)
        watch_.emplace(std::move(*watch));
    else
        log_event("users-not-watched", {{"reason", watch.error().message()},
                                        {"effect", "changes of users.db count within a second"}});
}

void UsersReader::look_regularly(int data)
{
    auto& loop = static_cast<boost::asio::io_context&>(timer_.get_executor().context());
    look_.emplace(time_between_looks, [this, &loop, data] {
        const FileVersion now = version_of(data, users_file_name);
        boost::asio::post(loop, [this, now] { compare(now); });
    });
}

std::vector<Problem> UsersReader::read()
{
    timer_.cancel();
    // Only to compare: a large table that is no longer in force is to go at once.
    const UsersTable* const before = users_.table().get();
    const bool writer_is_slow =
        used_by_ == UsersFile::UsedBy::writer && now_() - used_since_ > longest_writer;
    auto attempt = users_.try_load(writer_is_slow);
    if (attempt.used_by != UsersFile::UsedBy::nobody) {
        come_back(attempt.used_by);
        return {};
    }
    used_by_ = UsersFile::UsedBy::nobody;
    changed_at_.reset();
    told_ = false;
    if (attempt.problems.empty() && users_.table().get() != before) {
        log_event("users-read", {{"users", users_.size()}});
        on_changed_();
    }
    return std::move(attempt.problems);
}

std::string_view UsersReader::waits_for() const
{
    switch (used_by_) {
    case UsersFile::UsedBy::holder_of_lock:
        return "somebody holds the lock of the data directory";
    case UsersFile::UsedBy::writer:
        return "somebody is writing it";
    case UsersFile::UsedBy::nobody:
        break;
    }
    return {};
}

void UsersReader::follow()
{
    const std::vector<Problem> problems = read();
    const std::string because = problems_text(problems, "\n");
    const bool again = users_.version_read() == FileVersion{} && because == kept_because_;
    kept_because_ = because;
    if (again) return; // each look tries to read it
    for (const Problem& problem : problems)
        log_event("users-kept", {{"where", problem.where}, {"reason", problem.what}});
}

void UsersReader::compare(const FileVersion& now)
{
    const FileVersion& before = users_.version_read();
    // protection: regular-look
    // Another inode may still be growing, on a file system without leases.
    if (now != before) on_change(false);
}

void UsersReader::on_change(bool replaced)
{
    const auto now = now_();
    if (!changed_at_) changed_at_ = now;
    if (replaced) return follow();
    follow_after(std::min<Clock::duration>(quiet, *changed_at_ + longest_unrest - now));
}

void UsersReader::come_back(UsersFile::UsedBy used_by)
{
    const auto now = now_();
    if (used_by_ != used_by) used_since_ = now;
    used_by_ = used_by;
    const bool takes_long = now - used_since_ > usual_wait;
    if (takes_long) tell_of_wait();
    follow_after(takes_long ? long_pause : short_pause);
}

void UsersReader::follow_after(Clock::duration time)
{
    timer_.expires_after(time);
    timer_.async_wait([this](const boost::system::error_code& failure) {
        if (!failure) follow();
    });
}

void UsersReader::tell_of_wait()
{
    if (std::exchange(told_, true)) return;
    log_event("users-wait",
              {{"reason", waits_for()}, {"effect", "changes of users.db count when that ends"}});
}

} // namespace ftpc::server
