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

    // Runs `job` on the loop after `delay`. If all places are taken, one login chosen at random, perhaps the
    // new one, is refused before this returns: no attacker can keep all places.
    void hold(std::chrono::milliseconds delay, HashJob job);

    std::size_t size() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ftpc::server
