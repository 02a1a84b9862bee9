// Writes DATA/login-history on a thread of its own: auth's loop must not wait for a disk.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace ftpc::server {

class HistoryWriter {
public:
    // `write` is called on the thread, with one text at a time. It must not throw.
    explicit HistoryWriter(std::function<void(const std::string& text)> write);
    HistoryWriter(const HistoryWriter&) = delete;
    HistoryWriter& operator=(const HistoryWriter&) = delete;
    // Writes pending changes first.
    ~HistoryWriter();

    // Takes the place of a text that still waits.
    void write_later(std::string text);

private:
    void work();

    std::function<void(const std::string&)> write_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<std::string> waiting_;
    bool ends_ = false;
    std::thread thread_; // last: it uses the others
};

} // namespace ftpc::server
