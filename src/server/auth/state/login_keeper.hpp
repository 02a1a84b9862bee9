// Keeps the memory of logins in DATA/login-history: reads it at the start, and writes it within a second
// after a change. It never stops a login: an unreadable or unwritable file is reported in the log.
#pragma once

#include "server/auth/state/login_history.hpp"
#include "server/auth/state/login_limiter.hpp"

#include <memory>

namespace boost::asio {
class io_context;
}

namespace ftpc::server {

class LoginKeeper {
public:
    // Fills `history` and `limiter` from the file. They, and the open directory `data`, live longer than
    // this.
    LoginKeeper(boost::asio::io_context& loop, int data, LoginHistory& history, LoginLimiter& limiter);
    LoginKeeper(const LoginKeeper&) = delete;
    LoginKeeper& operator=(const LoginKeeper&) = delete;
    // Writes pending changes.
    ~LoginKeeper();

    void changed();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ftpc::server
