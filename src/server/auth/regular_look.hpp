// Looks at something again and again on a thread of its own. A look at a file may wait for a disk or for
// another machine, and auth's loop must not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace ftpc::server {

class RegularLook {
public:
    // `look` is called on the thread, for the first time after `pause`. It must not throw.
    RegularLook(std::chrono::milliseconds pause, std::function<void()> look);
    RegularLook(const RegularLook&) = delete;
    RegularLook& operator=(const RegularLook&) = delete;
    // Waits for a look that has begun.
    ~RegularLook();

private:
    void work();

    std::chrono::milliseconds pause_;
    std::function<void()> look_;
    std::mutex mutex_;
    std::condition_variable end_;
    bool ends_ = false;
    std::thread thread_; // last: it uses the others
};

} // namespace ftpc::server
