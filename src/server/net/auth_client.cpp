#include "server/net/auth_client.hpp"

#include "server/ipc/channel.hpp"
#include "server/log.hpp"

#include <boost/asio.hpp>

#include <deque>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds patience{60};

// A coroutine that waits for an answer, on a loop of its own, where the timer is cancelled when it has come.
struct AuthClient::Waiting {
    asio::steady_timer timer;
    std::optional<ipc::Answer> answer;
    bool over = false;     // nobody waits any more
    ipc::RequestId id = 0; // on the client's loop
};

// One SOCK_SEQPACKET descriptor with its reading and writing coroutines, which keep it alive.
class AuthClient::Channel : public std::enable_shared_from_this<Channel> {
public:
    Channel(AuthClient& client, UniqueFd fd) : client_{&client}, socket_{client.io_, fd.release()}
    {
        socket_.native_non_blocking(true);
    }

    void start()
    {
        asio::co_spawn(
            socket_.get_executor(), [self = shared_from_this()] { return self->receive(); }, asio::detached);
    }

    void send(SecretText packet)
    {
        unsent_.push_back(std::move(packet));
        if (unsent_.size() == 1)
            asio::co_spawn(
                socket_.get_executor(), [self = shared_from_this()] { return self->write(); },
                asio::detached);
    }

    // Nobody listens any more.
    void abandon()
    {
        client_ = nullptr;
        close();
    }

private:
    asio::awaitable<void> receive()
    {
        while (client_ != nullptr) {
            auto packet = ipc::receive_packet(socket_.native_handle(), ipc::max_message_bytes);
            if (!packet && packet.error() == asio::error::would_block) {
                const auto [failure] =
                    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
                if (failure) break;
                continue;
            }
            if (!packet || packet->bytes.empty()) break;
            auto answer = ipc::decode_answer(packet->bytes);
            if (!answer) {
                log_event("bad-answer-from-auth");
                break;
            }
            if (client_ != nullptr) client_->on_answer(std::move(*answer));
        }
        close();
        if (client_ != nullptr) client_->on_channel_lost(*this);
    }

    asio::awaitable<void> write()
    {
        while (!unsent_.empty() && socket_.is_open()) {
            const auto sent = ipc::send_packet(socket_.native_handle(), unsent_.front());
            if (sent) {
                unsent_.pop_front();
            } else if (sent.error() == asio::error::would_block) {
                const auto [failure] =
                    co_await socket_.async_wait(asio::posix::stream_descriptor::wait_write, use_awaitable);
                if (failure) break;
            } else {
                break; // receive() sees the end, too
            }
        }
        unsent_.clear();
    }

    void close()
    {
        error_code ignored;
        socket_.close(ignored);
    }

    AuthClient* client_;
    asio::posix::stream_descriptor socket_;
    std::deque<SecretText> unsent_;
};

AuthClient::AuthClient(asio::io_context& io, OnRevoked on_revoked, OnLimitChanged on_limit_changed,
                       OnLost on_lost)
    : io_{io}, on_revoked_{std::move(on_revoked)},
      on_limit_changed_{std::move(on_limit_changed)}, on_lost_{std::move(on_lost)}
{}

AuthClient::~AuthClient()
{
    if (channel_) channel_->abandon();
}

void AuthClient::connect(UniqueFd channel)
{
    if (const auto old = std::exchange(channel_, nullptr)) {
        old->abandon();
        on_lost_();
    }
    give_up_waiting();
    channel_ = std::make_shared<Channel>(*this, std::move(channel));
    channel_->start();
}

asio::awaitable<std::optional<ipc::Answer>> AuthClient::exchange(ipc::Request question)
{
    asio::steady_timer timer{co_await asio::this_coro::executor, patience};
    const auto waiting = std::make_shared<Waiting>(Waiting{std::move(timer), {}});
    asio::post(io_, [this, waiting, question = std::move(question)]() mutable {
        send(waiting, std::move(question));
    });
    co_await waiting->timer.async_wait(use_awaitable);
    waiting->over = true;
    if (!waiting->answer) asio::post(io_, [this, waiting] { waiting_.erase(waiting->id); });
    co_return std::move(waiting->answer);
}

void AuthClient::send(const std::shared_ptr<Waiting>& waiting, ipc::Request question)
{
    if (!channel_) return resume(waiting, std::nullopt);
    waiting->id = ++last_id_;
    std::visit(
        [&](auto& each) {
            if constexpr (requires { each.id; }) each.id = waiting->id;
        },
        question);
    waiting_.emplace(waiting->id, waiting);
    channel_->send(ipc::encode(question));
}

void AuthClient::resume(const std::shared_ptr<Waiting>& waiting, std::optional<ipc::Answer> answer)
{
    asio::post(waiting->timer.get_executor(), [this, waiting, answer = std::move(answer)]() mutable {
        if (waiting->over) { // its connection gave up meanwhile
            if (answer) drop(*answer);
            return;
        }
        waiting->answer = std::move(answer);
        waiting->timer.cancel();
    });
}

void AuthClient::tell(const ipc::LoginEnded& message)
{
    asio::post(io_, [this, message] {
        if (channel_) channel_->send(ipc::encode(ipc::Request{message}));
    });
}

// Nobody wants to know it any more.
void AuthClient::drop(const ipc::Answer& answer)
{
    const auto* login = std::get_if<ipc::LoginAnswer>(&answer);
    if (login != nullptr && login->status == ipc::LoginStatus::granted) tell({login->login});
}

void AuthClient::on_answer(ipc::Answer answer)
{
    if (auto* realm = std::get_if<ipc::RealmIs>(&answer)) {
        realm_ = std::move(realm->realm);
        return;
    }
    if (const auto* revoked = std::get_if<ipc::LoginRevoked>(&answer)) {
        on_revoked_(revoked->login);
        return;
    }
    if (const auto* change = std::get_if<ipc::LimitChanged>(&answer)) {
        on_limit_changed_(*change);
        return;
    }
    const auto id = std::visit(
        [](const auto& message) -> ipc::RequestId {
            if constexpr (requires { message.id; }) return message.id;
            return 0;
        },
        answer);
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return drop(answer);
    resume(found->second, std::move(answer));
    waiting_.erase(found);
}

void AuthClient::give_up_waiting()
{
    for (const auto& [id, waiting] : waiting_)
        resume(waiting, std::nullopt);
    waiting_.clear();
}

void AuthClient::on_channel_lost(const Channel& channel)
{
    if (channel_.get() != &channel) return;
    channel_ = nullptr;
    give_up_waiting();
    on_lost_();
}

} // namespace ftpc::server
