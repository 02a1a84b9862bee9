// A session that waits for each reply, for a thread that has no other.
#pragma once

#include "benchmark/event_loop.hpp"

#include <deque>
#include <string>
#include <utility>

namespace ftpc::benchmark {

class WaitingSession : private Load {
public:
    // Logs in. The references must outlive this object. Throws if the login fails.
    WaitingSession(const Target& target, SSL_CTX* context, const Credentials& credentials);

    void send(const std::string& command);
    // The next reply's code and text.
    std::pair<int, std::string> next_reply();
    // The next reply's text. Throws if the reply has another code.
    std::string await(int code);
    std::string call(const std::string& command, int code)
    {
        send(command);
        return await(code);
    }
    TlsSession newest_tls_session() const { return session().newest_tls_session(); }

private:
    FtpSession& session() const { return *pool_.sessions().front(); }
    void on_reply(FtpSession& session, const Reply& reply) override;
    void on_replies_read(FtpSession&) override {}

    EventLoop loop_; // only until the session is logged in
    SessionPool pool_;
    std::deque<std::pair<int, std::string>> replies_;
};

} // namespace ftpc::benchmark
