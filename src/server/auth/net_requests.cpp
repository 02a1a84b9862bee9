#include "server/auth/net_requests.hpp"

#include "server/log.hpp"
#include "shared/base64.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <utility>

namespace ftpc::server {

namespace {

std::string address_text(const ipc::PeerAddress& peer)
{
    in6_addr address{};
    std::memcpy(&address, peer.data(), peer.size());
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (IN6_IS_ADDR_V4MAPPED(&address))
        ::inet_ntop(AF_INET, peer.data() + 12, text.data(), text.size());
    else
        ::inet_ntop(AF_INET6, &address, text.data(), text.size());
    return text.data();
}

std::string_view status_text(ipc::LoginStatus status)
{
    switch (status) {
    case ipc::LoginStatus::granted:
        return "granted";
    case ipc::LoginStatus::busy:
        return "busy";
    case ipc::LoginStatus::refused:
        break;
    }
    return "refused";
}

// On a worker, after the answer is on its way: a login never waits for this, and never fails because of it.
// Returns whether the store has changed.
bool renew_if_old(UserStore& users, const PasswordCheck& check) noexcept
{
    try {
        const auto renewed = renewed_hash(check);
        if (!renewed) return false;
        const auto done = users.renew_password_hash(check.user, check.found->password_hash, *renewed);
        if (!done)
            log_event("hash-not-renewed", {{"user", check.user}, {"reason", done.error().message()}});
        else if (*done)
            log_event("hash-renewed", {{"user", check.user}});
        return done && *done;
    } catch (const std::exception& error) {
        log_event("hash-not-renewed", {{"user", check.user}, {"reason", error.what()}});
        return false;
    }
}

} // namespace

NetRequests::NetRequests(AuthServices& services, Send send) : services_{services}, send_{std::move(send)} {}

void NetRequests::begin()
{
    announced_realm_ = services_.users->realm();
    send_(ipc::RealmIs{announced_realm_});
}

void NetRequests::handle(ipc::Request request)
{
    std::visit([this](auto& each) { on(each); }, request);
}

void NetRequests::users_changed()
{
    if (services_.users->realm() != announced_realm_) begin();
    for (const ipc::LoginHandle& handle : logins_.take_revoked(*services_.users))
        send_(ipc::LoginRevoked{handle});
    tell_changed_limits();
}

void NetRequests::tell_changed_limits()
{
    logins_.for_each([this](const ipc::LoginHandle& handle, Login& login) {
        const auto user = services_.users->find(login.user);
        if (!user || user->max_dirs == login.max_dirs) return;
        login.max_dirs = user->max_dirs;
        send_(ipc::LimitChanged{handle, login.max_dirs});
    });
}

void NetRequests::on(ipc::LogInWithPassword& request)
{
    check({request.id, request.peer, "password"}, request.user, std::move(request.password));
}

void NetRequests::on(ipc::LogInWithPrehash& request)
{
    check({request.id, request.peer, "prehash"}, request.user, request.prehash);
}

void NetRequests::on(const ipc::LogInWithSessionKey& request)
{
    const Decision decision = services_.authenticator->decide(request, *services_.session_keys);
    answer_login({request.id, request.peer, "session-key"}, request.user, decision,
                 Login{.user = {}, .session_key = request.session, .may_enrol = false});
}

void NetRequests::on(const ipc::EnrolSessionKey& request)
{
    ipc::EnrolAnswer answer{.id = request.id};
    Login* login = logins_.find(request.login);
    const auto user = login != nullptr ? services_.users->find(login->user) : std::nullopt;
    if (login == nullptr || !login->may_enrol || !user ||
        !holds(*services_.users, login->user, login->generation)) {
        log_event("session-key-refused", {{"reason", "no login by password that may enrol one"}});
        return send_(answer);
    }
    const std::chrono::seconds asked{request.lifetime_seconds};
    const auto lifetime = asked.count() == 0 ? services_.session_ttl : std::min(asked, services_.session_ttl);
    const auto made = services_.session_keys->enrol(*user, request.key, lifetime);
    if (made) {
        login->may_enrol = false;
        answer.enrolled = true;
        answer.session = made->id;
        answer.expires = made->expires;
        log_event("session-key-enrolled", {{"user", made->user}, {"id", hex_encode(made->id)}});
    } else {
        log_event("session-key-refused", {{"user", user->name}, {"reason", made.error().message()}});
    }
    send_(answer);
}

void NetRequests::on(const ipc::EndSessionKey& request)
{
    const Login* login = logins_.find(request.login);
    const auto session =
        request.own && login != nullptr ? login->session_key : std::optional{request.session};
    if (login == nullptr || !session) return send_(ipc::EndAnswer{request.id, false});
    const auto ended = services_.session_keys->end(login->user, *session);
    if (!ended)
        log_event("session-key-not-ended", {{"user", login->user}, {"reason", ended.error().message()}});
    else if (*ended)
        log_event("session-key-ended", {{"user", login->user}, {"id", hex_encode(*session)}});
    send_(ipc::EndAnswer{request.id, ended && *ended});
}

void NetRequests::on(const ipc::ListSessionKeys& request)
{
    ipc::ListAnswer answer{.id = request.id, .keys = {}};
    if (const Login* login = logins_.find(request.login))
        for (const SessionKey& key : services_.session_keys->list(login->user))
            answer.keys.push_back({key.id, key.created, key.expires});
    send_(answer);
}

void NetRequests::on(const ipc::LoginEnded& request)
{
    logins_.remove(request.login);
}

void NetRequests::check(const Asked& asked, std::string_view user, PasswordProof proof)
{
    const auto check =
        std::make_shared<PasswordCheck>(services_.authenticator->prepare(user, std::move(proof)));
    const std::weak_ptr<NetRequests> channel = weak_from_this();
    const auto decide = [services = &services_, channel, check, asked] {
        const auto self = channel.lock();
        if (!self) return;
        self->answer_login(asked, check->user, services->authenticator->decide(*check),
                           Login{.user = {}, .session_key = {}, .may_enrol = true});
    };
    const auto run = [services = &services_, check, decide] {
        check_password(*check);
        services->run_on_loop(decide);
        if (renew_if_old(*services->users, *check)) services->run_on_loop(services->users_changed);
    };
    const auto refuse = [channel, check, asked] {
        const Decision busy{
            .status = ipc::LoginStatus::busy, .reason = "too many logins are waiting", .user = {}};
        if (const auto self = channel.lock()) self->answer_login(asked, check->user, busy, {});
    };
    services_.hash_queue->submit(asked.peer, {run, refuse});
}

void NetRequests::answer_login(const Asked& asked, std::string_view user, const Decision& decision,
                               Login login)
{
    ipc::LoginAnswer answer{
        .id = asked.id, .status = decision.status, .login = {}, .home = {}, .max_dirs = {}};
    std::string_view reason = decision.reason;
    if (decision.status == ipc::LoginStatus::granted) {
        login.user = decision.user->name;
        login.generation = decision.user->generation;
        login.max_dirs = decision.user->max_dirs;
        if (const auto handle = logins_.add(std::move(login))) {
            answer.login = *handle;
            answer.home = decision.user->home;
            answer.max_dirs = decision.user->max_dirs;
        } else {
            answer.status = ipc::LoginStatus::busy;
            reason = "too many users are logged in";
        }
    }
    log_event("login", {{"user", user},
                        {"peer", address_text(asked.peer)},
                        {"method", asked.method},
                        {"result", status_text(answer.status)},
                        {"reason", reason.empty() ? std::string_view{"-"} : reason}});
    send_(answer);
}

} // namespace ftpc::server
