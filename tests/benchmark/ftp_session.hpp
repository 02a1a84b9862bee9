// One session with an FTP server over explicit TLS, driven by readiness: any number of them share a thread.
#pragma once

#include "benchmark/target.hpp"
#include "benchmark/tls.hpp"
#include "shared/protocol/session_key.hpp"

#include <string>
#include <string_view>

namespace ftpc::benchmark {

enum class Method {
    bare_tls,    // TLS from the first byte, and ready after the handshake
    none,        // ready after the handshake
    password,    // USER, and PASS when that was answered: any server
    prehash,     // SITE AUTH PREHASH1, in one write with USER: ftpcd
    session_key, // AUTH TLS ahead of the greeting, SITE AUTH SESSKEY1 in one write with USER, as ftpc does
};

struct Credentials {
    Method method = Method::none;
    std::string user;
    std::string password;
    std::string prehash; // b64
    SessionId session_id{};
    SessionPrivateKey session_key{};
};

struct Reply {
    int code;
    std::string_view text; // all lines, without the last line end; valid during the call it is given to
};

class FtpSession {
public:
    // Called by the session from advance(). Commands are appended to session.outgoing(); they are sent in one
    // write when advance() ends.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void on_ready(FtpSession& session) = 0;               // logged in
        virtual void on_reply(FtpSession& session, const Reply&) = 0; // each reply after that
        virtual void on_replies_read(FtpSession&) {}                  // no further reply has come so far
    };

    // Connects at once. `number` is the owner's. The references must outlive the session.
    FtpSession(const Target& target, SSL_CTX* context, const Credentials& credentials, Owner& owner,
               std::size_t number);

    int descriptor() const { return socket_.get(); }
    std::size_t number() const { return number_; }
    std::string& outgoing() { return outgoing_; }
    bool wants_write() const { return wants_write_; }

    // Goes as far as it can without waiting. Throws std::runtime_error when the connection or the login
    // fails.
    void advance();
    // Sends the bytes in outgoing().
    void flush();
    // advance() waits from now on: for a thread that has only this session, it saves a call of epoll a
    // command.
    void make_blocking();
    // The session that another connection can resume. With TLS 1.3 it is that of the newest ticket, and
    // tickets are read together with replies.
    TlsSession newest_tls_session() const { return TlsSession{SSL_get1_session(ssl_.get())}; }
    // close_notify, as a client that leaves in order.
    void say_goodbye();

private:
    enum class Phase { greeting, auth_tls, handshake, user, login, ready };

    bool fill();
    void take_replies();
    void take_reply(const Reply& reply);
    void expect(const Reply& reply, int code) const;
    void begin_tls();
    void handshake();
    void log_in();
    std::string session_key_line();
    int send_some(std::string_view bytes);

    UniqueFd socket_;
    SSL_CTX* context_;
    TlsStream ssl_;
    const Credentials& credentials_;
    Owner& owner_;
    std::size_t number_;
    Phase phase_ = Phase::greeting;
    bool wants_write_ = false;
    std::string outgoing_;
    std::string received_;
};

} // namespace ftpc::benchmark
