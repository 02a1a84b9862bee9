// One thread for many sessions: epoll, and the sessions of a load.
#pragma once

#include "benchmark/ftp_session.hpp"

#include <memory>
#include <vector>

namespace ftpc::benchmark {

class EventLoop {
public:
    EventLoop();

    // Closing the session takes it out again; it must not be closed within a round.
    void add(FtpSession& session);
    // Waits until something is ready, at most so long, and lets those sessions advance.
    void round(int milliseconds);
    // Sends the commands that were put into outgoing() outside of a round.
    void flush(FtpSession& session);

private:
    void watch(FtpSession& session, int operation);

    UniqueFd epoll_;
};

// The use that a load makes of its sessions' replies; see FtpSession::Owner.
class Load {
public:
    virtual ~Load() = default;
    virtual void on_reply(FtpSession& session, const Reply& reply) = 0;
    virtual void on_replies_read(FtpSession& session) = 0;
};

// Sessions that are logged in and stay.
class SessionPool : private FtpSession::Owner {
public:
    SessionPool(EventLoop& loop, const Target& target, SSL_CTX* context, const Credentials& credentials)
        : loop_{loop}, target_{target}, context_{context}, credentials_{credentials}
    {}

    // Returns when `count` more are logged in. Opens at most `at_once` at the same time, so that no server's
    // queue of connections overflows.
    void open(std::size_t count, std::size_t at_once = 64);

    // The receiver of further replies.
    void set_load(Load& load) { load_ = &load; }
    const std::vector<std::unique_ptr<FtpSession>>& sessions() const { return sessions_; }
    EventLoop& loop() { return loop_; }

private:
    void on_ready(FtpSession&) override { ++ready_; }
    void on_reply(FtpSession& session, const Reply& reply) override { load_->on_reply(session, reply); }
    void on_replies_read(FtpSession& session) override
    {
        if (load_ != nullptr) load_->on_replies_read(session);
    }

    EventLoop& loop_;
    const Target& target_;
    SSL_CTX* context_;
    const Credentials& credentials_;
    Load* load_ = nullptr;
    std::size_t ready_ = 0;
    std::vector<std::unique_ptr<FtpSession>> sessions_;
};

} // namespace ftpc::benchmark
