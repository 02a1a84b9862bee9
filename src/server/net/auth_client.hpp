// net's side of the channel to auth: asks questions, waits for their answers, hears of revoked logins.
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
    // knew of the logins in force, so that it can revoke none of them any more.
    AuthClient(boost::asio::io_context& io, OnRevoked on_revoked, OnLimitChanged on_limit_changed,
               OnLost on_lost);
    ~AuthClient();

    // Talks over `channel` from now on; what was asked over an earlier one stays without an answer.
    void connect(UniqueFd channel);

    // Sends `question`, whose id this fills in. None: auth is away, or did not answer within a minute.
    template <class Answer, class Question>
    boost::asio::awaitable<std::optional<Answer>> ask(Question question)
    {
        const ipc::RequestId id = ++last_id_;
        question.id = id;
        const auto answer = co_await exchange(id, std::move(question));
        if (answer)
            if (const auto* expected = std::get_if<Answer>(&*answer)) co_return *expected;
        co_return std::nullopt;
    }

    // There is no answer to this one.
    void tell(const ipc::LoginEnded& message);

    // The realm that auth named last; empty before.
    const std::string& realm() const { return realm_; }

private:
    class Channel;
    struct Waiting;

    boost::asio::awaitable<std::optional<ipc::Answer>> exchange(ipc::RequestId id, ipc::Request question);
    void on_answer(ipc::Answer answer);
    void refuse_unread(const ipc::LoginHandle& revoked);
    void change_unread(const ipc::LimitChanged& change);
    void give_up_waiting();
    void on_channel_lost(const Channel& channel);

    boost::asio::io_context& io_;
    OnRevoked on_revoked_;
    OnLimitChanged on_limit_changed_;
    OnLost on_lost_;
    std::shared_ptr<Channel> channel_;
    std::unordered_map<ipc::RequestId, Waiting*> waiting_;
    ipc::RequestId last_id_ = 0;
    std::string realm_;
};

} // namespace ftpc::server
