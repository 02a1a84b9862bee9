// Logins that wait for their time, since many have failed at their account (login_limiter.hpp). A timer on
// the loop holds them, no thread does, and their number is bounded.
#pragma once

#include "server/auth/state/fair_queue.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace ftpc::server {

class HeldLogins {
public:
    HeldLogins(boost::asio::io_context& loop, std::size_t capacity);
    HeldLogins(const HeldLogins&) = delete;
    HeldLogins& operator=(const HeldLogins&) = delete;
    // Drops those that are held.
    ~HeldLogins();

    // Runs `job` on the loop after `delay`. Where there are as many as there may be already, one of them or
    // the new one, by chance, is refused before this returns: whoever fills all places does not keep them.
    void hold(std::chrono::milliseconds delay, HashJob job);

    std::size_t size() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ftpc::server
