#include "server/transport/auth_client.hpp"

#include "server/log/log.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

void set_id(ipc::Request& question, ipc::RequestId id)
{
    std::visit(
        [id](auto& each) {
            if constexpr (requires { each.id; }) each.id = id;
        },
        question);
}

ipc::RequestId id_of(const ipc::Answer& answer)
{
    return std::visit(
        [](const auto& each) -> ipc::RequestId {
            if constexpr (requires { each.id; }) return each.id;
            return 0;
        },
        answer);
}

} // namespace

// ---- the channel

void AuthClient::connect(UniqueFd channel)
{
    disconnect();
    endpoint_.emplace(
        io_, std::move(channel), ipc::max_message_bytes,
        ipc::Endpoint::Events{.on_packet = [this](const ipc::Packet& packet) { take(packet); },
                              .on_closed = [this](std::string_view reason) { lose_channel(reason); },
                              .on_room = [this] { say_next(); }});
}

void AuthClient::lose_channel(std::string_view reason)
{
    // The supervisor says it if auth is gone.
    if (!reason.empty()) log_event("channel-closed", {{"reason", reason}});
    disconnect();
}

void AuthClient::disconnect()
{
    if (!endpoint_) return;
    endpoint_.reset();
    unsent_.clear();
    for (auto& [id, on_answer] : std::exchange(waiting_, {}))
        on_answer(std::nullopt);
    events_.on_lost();
}

// ---- from net to auth

ipc::RequestId AuthClient::ask(ipc::Request question, OnAnswer on_answer)
{
    const ipc::RequestId id = ++last_id_;
    set_id(question, id);
    asio::post(io_, [this, id, question = std::move(question), on_answer = std::move(on_answer)]() mutable {
        if (!endpoint_) return on_answer(std::nullopt);
        waiting_.emplace(id, std::move(on_answer));
        say(id, std::move(question));
    });
    return id;
}

void AuthClient::withdraw(ipc::RequestId id)
{
    asio::post(io_, [this, id] {
        const auto asked = waiting_.extract(id);
        if (!asked) return; // the answer has come meanwhile, or the channel is another
        asked.mapped()(std::nullopt);
        if (unsent_.erase(id) == 0) say(++last_id_, ipc::Withdraw{id});
    });
}

void AuthClient::tell(const ipc::LoginEnded& message)
{
    asio::post(io_, [this, message] {
        if (endpoint_) say(++last_id_, message);
    });
}

void AuthClient::disown(const ipc::Answer& answer)
{
    const auto* login = std::get_if<ipc::LoginAnswer>(&answer);
    if (login != nullptr && login->status == ipc::LoginStatus::granted) tell({login->login});
}

void AuthClient::say(ipc::RequestId place, ipc::Request message)
{
    unsent_.emplace(place, std::move(message));
    endpoint_->fill();
}

void AuthClient::say_next()
{
    if (unsent_.empty()) return;
    endpoint_->send(ipc::encode(unsent_.extract(unsent_.begin()).mapped()));
}

// ---- from auth to net

void AuthClient::take(const ipc::Packet& packet)
{
    auto answer = ipc::decode_answer(packet.bytes);
    if (!answer || !packet.descriptors.empty()) return lose_channel("auth sent a malformed answer");
    if (const auto* realm = std::get_if<ipc::RealmIs>(&*answer)) return events_.on_realm(realm->realm);
    if (const auto* revoked = std::get_if<ipc::LoginRevoked>(&*answer))
        return events_.on_revoked(revoked->login);
    if (const auto* change = std::get_if<ipc::LimitChanged>(&*answer))
        return events_.on_limit_changed(*change);
    on_answer(std::move(*answer));
}

void AuthClient::on_answer(ipc::Answer answer)
{
    const auto asked = waiting_.extract(id_of(answer));
    if (!asked) return disown(answer);
    asked.mapped()(std::move(answer));
}

} // namespace ftpc::server
