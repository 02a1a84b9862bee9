#include "server/auth/state/session_key_writer.hpp"

#include "shared/base/threads.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

namespace ftpc::server {

SessionKeyWriter::SessionKeyWriter(SessionKeys& keys) : keys_{keys}, thread_{start_thread([this] { work(); })}
{}

SessionKeyWriter::~SessionKeyWriter()
{
    {
        const std::scoped_lock lock{mutex_};
        ends_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void SessionKeyWriter::submit(KeyChange change)
{
    {
        const std::scoped_lock lock{mutex_};
        if (waiting_.size() < most_waiting) {
            waiting_.push_back(std::move(change));
            changed_.notify_one();
            return;
        }
    }
    const error_code full{ENOBUFS, boost::system::system_category()};
    std::visit([&](const auto& each) { each.done(full); }, change);
}

void SessionKeyWriter::work()
{
    for (auto changes = take_some(); !changes.empty(); changes = take_some()) {
        keys_.carry_out(changes);
        keys_.compact_if_worthwhile();
    }
}

// Waits for changes; none at the end.
std::vector<KeyChange> SessionKeyWriter::take_some()
{
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(most_at_once, waiting_.size()));
    std::vector<KeyChange> taken{std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end)};
    waiting_.erase(waiting_.begin(), end);
    return taken;
}

} // namespace ftpc::server
