#include "server/auth/state/history_writer.hpp"

#include "shared/base/threads.hpp"

#include <utility>

namespace ftpc::server {

HistoryWriter::HistoryWriter(std::function<void(const std::string&)> write)
    : write_{std::move(write)}, thread_{start_thread([this] { work(); })}
{}

HistoryWriter::~HistoryWriter()
{
    {
        const std::scoped_lock lock{mutex_};
        ends_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void HistoryWriter::write_later(std::string text)
{
    {
        const std::scoped_lock lock{mutex_};
        waiting_ = std::move(text);
    }
    changed_.notify_one();
}

void HistoryWriter::work()
{
    std::unique_lock lock{mutex_};
    while (true) {
        changed_.wait(lock, [&] { return ends_ || waiting_; });
        if (!waiting_) return;
        const std::string text = std::move(*waiting_);
        waiting_.reset();
        lock.unlock();
        write_(text);
        lock.lock();
    }
}

} // namespace ftpc::server
