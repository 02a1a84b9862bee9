// How long a connection may keep the server waiting in each state. Decides only: the time is given to it.
#pragma once

#include "server/config/settings.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace ftpc::server {

// The bound on time that was exceeded: four settings, the answer of auth, and the moment for the last reply.
enum class TimeLimit { login, tls, idle, write, auth, last_reply };
std::string_view setting_name(TimeLimit limit); // a name of the same form for the last two

class Deadlines {
public:
    using Time = std::chrono::steady_clock::time_point;
    enum class For {
        nothing,      // the server is at work; only a login has to be made in time
        command,      // idle-timeout, counted from the last command that was answered
        handshake,    // tls-timeout
        transfer,     // a data connection has its own
        file_system,  // idle-timeout, counted from when a worker was asked
        auth,         // auth_time; the connection goes on without the answer
        taking,       // write-timeout, counted from the last byte of the replies that the client took
        last_reading, // the end of the connection: last_reply_time
    };
    static constexpr std::chrono::seconds auth_time{60};
    static constexpr std::chrono::seconds last_reply_time{2};

    explicit Deadlines(Time now) : since_{now}, unauthenticated_since_{now}, last_command_{now} {}

    void wait(For what, Time now);
    bool waits(For what) const { return what_ == what; }
    void command_answered(Time now) { last_command_ = now; }
    void client_took_something(Time now)
    {
        if (what_ == For::taking) since_ = now;
    }
    void logged_in();
    void logged_out(Time now); // login-timeout counts anew
    void hurry(Time now);      // the connection ends within last_reply_time, in any state

    std::optional<TimeLimit> exceeded(const Settings& settings, Time now) const;

private:
    For what_ = For::nothing;
    Time since_;
    std::optional<Time> unauthenticated_since_; // none while logged in
    Time last_command_;
    std::optional<Time> hurries_since_;
};

} // namespace ftpc::server
