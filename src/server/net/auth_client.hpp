// net's side of the channel to auth: asks questions, waits for their answers, hears of revoked logins. Lives
// on one event loop; coroutines of others may ask and tell.
#pragma once

#include "server/ipc/messages.hpp"
#include "shared/unique_fd.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace ftpc::server {

class AuthClient {
public:
    using OnRevoked = std::function<void(const ipc::LoginHandle&)>;
    using OnLimitChanged = std::function<void(const ipc::LimitChanged&)>;
    using OnLost = std::function<void()>;

    // `on_revoked`: the connection of that login must be closed. `on_limit_changed`: that login
    // has another limit. `on_lost`: auth is gone, with all that it
    // knew of the logins in force, so that it can revoke none of them any more. All are called on the loop of
    // `io`, perhaps while the answer that granted a login is still on its way to the coroutine that asked.
    AuthClient(boost::asio::io_context& io, OnRevoked on_revoked, OnLimitChanged on_limit_changed,
               OnLost on_lost);
    ~AuthClient();

    // Talks over `channel` from now on; what was asked over an earlier one stays without an answer.
    void connect(UniqueFd channel);

    // Sends `question`, whose id this fills in. None: auth is away, or did not answer within a minute. From
    // any thread; the coroutine goes on where it was.
    template <class Answer, class Question>
    boost::asio::awaitable<std::optional<Answer>> ask(Question question)
    {
        const auto answer = co_await exchange(std::move(question));
        if (answer)
            if (const auto* expected = std::get_if<Answer>(&*answer)) co_return *expected;
        co_return std::nullopt;
    }

    // There is no answer to this one. From any thread.
    void tell(const ipc::LoginEnded& message);

    // The realm that auth named last; empty before. On the loop.
    const std::string& realm() const { return realm_; }

private:
    class Channel;
    struct Waiting;

    boost::asio::awaitable<std::optional<ipc::Answer>> exchange(ipc::Request question);
    void send(const std::shared_ptr<Waiting>& waiting, ipc::Request question);
    void resume(const std::shared_ptr<Waiting>& waiting, std::optional<ipc::Answer> answer);
    void on_answer(ipc::Answer answer);
    void drop(const ipc::Answer& answer);
    void give_up_waiting();
    void on_channel_lost(const Channel& channel);

    boost::asio::io_context& io_;
    OnRevoked on_revoked_;
    OnLimitChanged on_limit_changed_;
    OnLost on_lost_;
    std::shared_ptr<Channel> channel_;
    std::unordered_map<ipc::RequestId, std::shared_ptr<Waiting>> waiting_;
    ipc::RequestId last_id_ = 0;
    std::string realm_;
};

} // namespace ftpc::server
