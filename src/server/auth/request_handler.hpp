// Answers net's requests on one channel: each gets exactly one answer, even if the work for it fails. Knows
// the channel as a function that sends, and the event loop as a function that runs something on it later.
#pragma once

#include "server/auth/login/authenticator.hpp"
#include "server/auth/login/hash_queue.hpp"
#include "server/auth/login/login_table.hpp"
#include "server/auth/state/login_history.hpp"
#include "server/auth/state/login_limiter.hpp"
#include "server/auth/state/session_keys.hpp"
#include "server/ipc/messages.hpp"
#include "server/log/log_throttle.hpp"
#include "server/users/user_store.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>

namespace ftpc::server {

// The shared parts of all channels. All of it outlives the requests and the hash queue's workers.
struct AuthServices {
    UserStore* users = nullptr;
    const SessionKeys* session_keys = nullptr;
    std::function<void(KeyChange)> change_session_keys; // on the loop; its `done` is called on any thread
    HashQueue* hash_queue = nullptr;
    std::unique_ptr<Authenticator> authenticator;
    std::chrono::seconds session_ttl{};
    std::function<void(std::function<void()>)> run_on_loop; // from any thread
    std::function<void()> users_changed; // on the loop: a hash was renewed, the users should be read again
    // On the loop: runs the job there after that time, or refuses it.
    std::function<void(std::chrono::milliseconds, HashJob)> hold;
    std::function<void()> history_changed; // on the loop: it, or the limiter, has something to be saved
    std::function<Moment()> now = system_now;
    LoginLimiter limiter;
    LoginHistory history;
};

class RequestHandler : public std::enable_shared_from_this<RequestHandler> {
public:
    using Send = std::function<void(const ipc::Answer&)>;

    // Held by a shared_ptr: work on its way back to a channel that is gone finds nobody. `services` lives
    // longer.
    RequestHandler(AuthServices& services, Send send);
    RequestHandler(const RequestHandler&) = delete;
    RequestHandler& operator=(const RequestHandler&) = delete;
    // Logins that still wait are not checked any more.
    ~RequestHandler();

    // Sends the realm, which is the first thing on every channel.
    void begin();

    void handle(ipc::Request request);

    // After a change of the users: finds a new realm, logins that are no longer valid, and logins with
    // another limit. tell_next() reports them.
    void users_changed();

    // Sends the next item that net has not been told yet, if there is any. Call it when the channel has room,
    // so that at most one entry for each login waits.
    void tell_next();

private:
    void on(ipc::LogInWithPassword& request);
    void on(ipc::LogInWithPrehash& request);
    void on(const ipc::LogInWithSessionKey& request);
    void on(const ipc::EnrolSessionKey& request);
    void on(const ipc::EndSessionKey& request);
    void enrolled(const ipc::EnrolSessionKey& request, const Result<SessionKey>& made);
    void ended(const ipc::EndSessionKey& request, const Result<KeyEnd>& end);
    void on(const ipc::ListSessionKeys& request);
    void on(const ipc::LoginEnded& request);
    void on(const ipc::Withdraw& request);

    struct Asked {
        ipc::RequestId id;
        ipc::PeerAddress peer;
        std::string_view method; // for log and history
        SessionId session{};     // zeros but for a login by session key
        Withdrawn withdrawn{};   // null for a login by session key, which is answered at once
    };
    Asked ask(ipc::RequestId id, const ipc::PeerAddress& peer, std::string_view method);
    void limit(const Asked& asked, const std::string& user, PasswordProof proof);
    void check(const Asked& asked, const std::string& user, LoginRank rank, PasswordProof proof);
    void answer_unchecked(const Asked& asked, const std::string& user);
    void answer_login(const Asked& asked, const std::string& user, const Decision& decided, Login login);
    void log_login(const Asked& asked, const std::string& user, const Decision& decision);
    void grant(const Asked& asked, const Decision& decision, Login login, ipc::LoginAnswer& answer);
    void remember(const Asked& asked, const std::string& user, const Decision& decision);
    void count(const Asked& asked, const std::string& user, const Decision& decision);
    void note_other_limits();

    // On the loop, with the result of a change of session keys: calls `log`, and `then` if the channel is
    // still there.
    template <class T, class Log, class Then>
    std::function<void(Result<T>)> on_loop(Log log, Then then)
    {
        return [run = services_.run_on_loop, channel = weak_from_this(), log, then](const Result<T>& result) {
            run([channel, log, then, result] {
                log(result);
                if (const auto self = channel.lock()) then(*self, result);
            });
        };
    }

    static constexpr unsigned cheap_lines_a_second = 100; // in the log, of each kind

    AuthServices& services_;
    Send send_;
    LogThrottle cheap_refusals_{cheap_lines_a_second};
    LogThrottle limit_hits_{cheap_lines_a_second};
    LoginTable logins_;
    std::unordered_map<ipc::RequestId, std::shared_ptr<std::atomic<bool>>> asked_; // logins by password
    // Items that net has not been told yet:
    std::string announced_realm_; // unless it is that of the users
    std::set<ipc::LoginHandle> revoked_;
    std::set<ipc::LoginHandle> other_limits_;
};

} // namespace ftpc::server
