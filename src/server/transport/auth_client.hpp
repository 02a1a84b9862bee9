// net's side of the channel to auth: asks questions, passes on their answers and revoked logins. Lives on one
// event loop; any thread may ask and tell.
#pragma once

#include "server/ipc/endpoint.hpp"
#include "server/ipc/messages.hpp"
#include "shared/base/unique_fd.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace ftpc::server {

class AuthClient {
public:
    // All are called on the loop. The second and third may come while the answer that granted a login is
    // still on its way to its connection.
    struct Events {
        std::function<void(const std::string& realm)> on_realm;
        std::function<void(const ipc::LoginHandle&)> on_revoked; // its connection must be closed
        std::function<void(const ipc::LimitChanged&)> on_limit_changed;
        // The channel has broken or ended, or was replaced. With it is gone all that auth knew of the logins
        // in force, so that it can revoke none of them any more.
        std::function<void()> on_lost;
    };
    // Called once, on the loop. None: auth is away, or the question was withdrawn.
    using OnAnswer = std::function<void(std::optional<ipc::Answer>)>;

    AuthClient(boost::asio::io_context& io, Events events) : io_{io}, events_{std::move(events)} {}
    AuthClient(const AuthClient&) = delete;
    AuthClient& operator=(const AuthClient&) = delete;

    // Uses `channel` from now on; questions of an earlier one stay without an answer.
    void connect(UniqueFd channel);

    // Sends `question`, whose id this fills in and returns, as soon as auth has room for it. From any thread.
    ipc::RequestId ask(ipc::Request question, OnAnswer on_answer);

    // Nobody waits for that answer any more: an unsent question is forgotten. So no more of them wait than
    // there are waiting connections. From any thread.
    void withdraw(ipc::RequestId id);

    // There is no answer to this one. From any thread.
    void tell(const ipc::LoginEnded& message);

    // Ends the login that an answer has granted too late. From any thread.
    void disown(const ipc::Answer& answer);

    // How many messages wait for auth to have room. On the loop.
    std::size_t unsent() const { return unsent_.size(); }

private:
    void say(ipc::RequestId place, ipc::Request message);
    void say_next();
    void take(const ipc::Packet& packet);
    void on_answer(ipc::Answer answer);
    void lose_channel(std::string_view reason);
    void disconnect();

    boost::asio::io_context& io_;
    Events events_;
    std::optional<ipc::Endpoint> endpoint_; // none: auth is away
    std::unordered_map<ipc::RequestId, OnAnswer> waiting_;
    std::map<ipc::RequestId, ipc::Request> unsent_; // in the order of their numbers, which all messages have
    std::atomic<ipc::RequestId> last_id_ = 0;
};

} // namespace ftpc::server
