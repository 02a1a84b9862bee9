#include "server/auth/regular_look.hpp"

#include <utility>

namespace ftpc::server {

RegularLook::RegularLook(std::chrono::milliseconds pause, std::function<void()> look)
    : pause_{pause}, look_{std::move(look)}, thread_{[this] { work(); }}
{}

RegularLook::~RegularLook()
{
    {
        const std::scoped_lock lock{mutex_};
        ends_ = true;
    }
    end_.notify_one();
    thread_.join();
}

void RegularLook::work()
{
    std::unique_lock lock{mutex_};
    while (!end_.wait_for(lock, pause_, [this] { return ends_; })) {
        lock.unlock();
        look_();
        lock.lock();
    }
}

} // namespace ftpc::server
