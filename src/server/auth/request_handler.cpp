#include "server/auth/request_handler.hpp"

#include "server/log/log.hpp"
#include "shared/base/base64.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::string_view session_key_method = "session-key"; // in log and history

std::string_view status_text(ipc::LoginStatus status)
{
    switch (status) {
    case ipc::LoginStatus::granted:
        return "granted";
    case ipc::LoginStatus::busy:
        return "busy";
    case ipc::LoginStatus::limited:
        return "limited";
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

void log_enrolled(const Login& by, const Result<SessionKey>& made)
{
    const std::string peer = address_text(by.peer);
    if (made)
        log_event("session-key-enrolled",
                  {{"user", made->user}, {"peer", peer}, {"id", hex_encode(made->id)}});
    else
        log_event("session-key-refused",
                  {{"user", by.user}, {"peer", peer}, {"reason", made.error().message()}});
}

void log_ended(const Login& by, const SessionId& session, const Result<KeyEnd>& end)
{
    const std::string peer = address_text(by.peer);
    if (!end)
        log_event("session-key-not-ended",
                  {{"user", by.user}, {"peer", peer}, {"reason", end.error().message()}});
    else if (*end == KeyEnd::ended)
        log_event("session-key-ended", {{"user", by.user}, {"peer", peer}, {"id", hex_encode(session)}});
}

} // namespace

RequestHandler::RequestHandler(AuthServices& services, Send send)
    : services_{services}, send_{std::move(send)}
{}

// Nobody waits for the answers any more.
RequestHandler::~RequestHandler()
{
    for (const auto& [id, withdrawn] : asked_)
        *withdrawn = true;
}

void RequestHandler::begin()
{
    announced_realm_ = services_.users->realm();
    send_(ipc::RealmIs{announced_realm_});
}

void RequestHandler::handle(ipc::Request request)
{
    std::visit([this](auto& each) { on(each); }, request);
}

void RequestHandler::users_changed()
{
    for (const auto& [handle, login] : logins_.take_revoked(*services_.users)) {
        log_event("login-revoked", {{"user", login.user}, {"peer", address_text(login.peer)}});
        revoked_.insert(handle);
    }
    note_other_limits();
}

void RequestHandler::note_other_limits()
{
    logins_.for_each([this](const ipc::LoginHandle& handle, Login& login) {
        const auto user = services_.users->find(login.user);
        if (!user || user->max_dirs == login.max_dirs) return;
        login.max_dirs = user->max_dirs;
        other_limits_.insert(handle);
    });
}

void RequestHandler::tell_next()
{
    if (services_.users->realm() != announced_realm_) return begin();
    if (!revoked_.empty()) return send_(ipc::LoginRevoked{revoked_.extract(revoked_.begin()).value()});
    while (!other_limits_.empty()) {
        const auto handle = other_limits_.extract(other_limits_.begin()).value();
        if (const Login* login = logins_.find(handle))
            return send_(ipc::LimitChanged{handle, login->max_dirs});
    }
}

RequestHandler::Asked RequestHandler::ask(ipc::RequestId id, const ipc::PeerAddress& peer,
                                          std::string_view method)
{
    const auto withdrawn = std::make_shared<std::atomic<bool>>(false);
    asked_[id] = withdrawn;
    return {id, peer, method, {}, withdrawn};
}

void RequestHandler::on(ipc::LogInWithPassword& request)
{
    limit(ask(request.id, request.peer, "password"), request.user, std::move(request.password));
}

void RequestHandler::on(ipc::LogInWithPrehash& request)
{
    limit(ask(request.id, request.peer, "prehash"), request.user, request.prehash);
}

// No limit keeps a key out that is enrolled: it keeps working while its account or address is under attack.
void RequestHandler::on(const ipc::LogInWithSessionKey& request)
{
    const Decision decision = services_.authenticator->decide(request, *services_.session_keys);
    answer_login({request.id, request.peer, session_key_method, request.session, {}}, request.user, decision,
                 Login{.user = {}, .session_key = request.session, .may_enrol = false});
}

void RequestHandler::on(const ipc::EnrolSessionKey& request)
{
    Login* login = logins_.find(request.login);
    const auto user = login != nullptr ? services_.users->find(login->user) : std::nullopt;
    if (login == nullptr || !login->may_enrol || !user ||
        !holds(*services_.users, login->user, login->generation)) {
        log_event("session-key-refused", {{"reason", "no login by password that may enrol one"}});
        return send_(ipc::EnrolAnswer{.id = request.id});
    }
    const std::chrono::seconds asked{request.lifetime_seconds};
    const auto lifetime = asked.count() == 0 ? services_.session_ttl : std::min(asked, services_.session_ttl);
    login->may_enrol = false;
    const auto done = on_loop<SessionKey>(
        [by = *login](const auto& made) { log_enrolled(by, made); },
        [request](RequestHandler& self, const auto& made) { self.enrolled(request, made); });
    services_.change_session_keys(KeyEnrolment{*user, request.key, lifetime, done});
}

void RequestHandler::enrolled(const ipc::EnrolSessionKey& request, const Result<SessionKey>& made)
{
    ipc::EnrolAnswer answer{.id = request.id};
    if (made) {
        answer.enrolled = true;
        answer.session = made->id;
        answer.expires = made->expires;
    } else if (Login* login = logins_.find(request.login)) {
        login->may_enrol = true;
    }
    send_(answer);
}

void RequestHandler::on(const ipc::EndSessionKey& request)
{
    const Login* login = logins_.find(request.login);
    const auto session =
        request.own && login != nullptr ? login->session_key : std::optional{request.session};
    if (login == nullptr || !session) return send_(ipc::EndAnswer{request.id, ipc::EndStatus::no_such_key});
    const auto done =
        on_loop<KeyEnd>([by = *login, id = *session](const auto& end) { log_ended(by, id, end); },
                        [request](RequestHandler& self, const auto& end) { self.ended(request, end); });
    services_.change_session_keys(KeyRemoval{login->user, *session, done});
}

void RequestHandler::ended(const ipc::EndSessionKey& request, const Result<KeyEnd>& end)
{
    ipc::EndAnswer answer{request.id, ipc::EndStatus::not_written};
    if (end) answer.status = *end == KeyEnd::ended ? ipc::EndStatus::ended : ipc::EndStatus::no_such_key;
    send_(answer);
}

void RequestHandler::on(const ipc::ListSessionKeys& request)
{
    ipc::ListAnswer answer{.id = request.id, .keys = {}};
    if (const Login* login = logins_.find(request.login))
        for (const SessionKey& key : services_.session_keys->list(login->user))
            answer.keys.push_back({key.id, key.created, key.expires});
    send_(answer);
}

void RequestHandler::on(const ipc::LoginEnded& request)
{
    logins_.remove(request.login);
    revoked_.erase(request.login);
    other_limits_.erase(request.login);
}

// A login that is checked already is answered, and counts, all the same.
void RequestHandler::on(const ipc::Withdraw& request)
{
    if (const auto asked = asked_.extract(request.id)) *asked.mapped() = true;
}

// Asks the limiter about a login by password before any work is done for it.
void RequestHandler::limit(const Asked& asked, const std::string& user, PasswordProof proof)
{
    const auto found = services_.users->find(user);
    const bool known = found && services_.history.knows(*found, asked.peer);
    const auto verdict = services_.limiter.judge(asked.peer, user, known, services_.now());
    if (verdict.refused_for.count() > 0) return answer_unchecked(asked, user);
    if (verdict.delay.count() == 0) return check(asked, user, verdict.rank, std::move(proof));
    const std::weak_ptr<RequestHandler> channel = weak_from_this();
    const auto held = std::make_shared<PasswordProof>(std::move(proof));
    const auto run = [channel, asked, user, held, rank = verdict.rank] {
        const auto self = channel.lock();
        if (!self) return;
        const bool limited =
            self->services_.limiter.refused_for(asked.peer, self->services_.now()).count() > 0;
        if (limited) return self->answer_unchecked(asked, user);
        self->check(asked, user, rank, std::move(*held));
    };
    const auto refuse = [channel, asked, user] {
        if (const auto self = channel.lock()) self->answer_unchecked(asked, user);
    };
    services_.hold(verdict.delay, {run, refuse, asked.withdrawn});
}

void RequestHandler::check(const Asked& asked, const std::string& user, LoginRank rank, PasswordProof proof)
{
    if (*asked.withdrawn) return;
    const auto check =
        std::make_shared<PasswordCheck>(services_.authenticator->prepare(user, std::move(proof)));
    const std::weak_ptr<RequestHandler> channel = weak_from_this();
    const auto decide = [services = &services_, channel, check, asked] {
        const auto self = channel.lock();
        if (!self) return;
        self->answer_login(asked, check->user, services->authenticator->decide(*check),
                           Login{.user = {}, .session_key = {}, .may_enrol = true});
    };
    const auto run = [services = &services_, check, decide] {
        verify_proof(*check);
        services->run_on_loop(decide);
        if (renew_if_old(*services->users, *check)) services->run_on_loop(services->users_changed);
    };
    const auto refuse = [channel, check, asked] {
        if (const auto self = channel.lock()) self->answer_unchecked(asked, check->user);
    };
    services_.hash_queue->submit(asked.peer, rank, {run, refuse, asked.withdrawn});
}

// Either the address is limited, perhaps since this login came, or there is no room.
void RequestHandler::answer_unchecked(const Asked& asked, const std::string& user)
{
    if (*asked.withdrawn) return;
    const bool limited = services_.limiter.refused_for(asked.peer, services_.now()).count() > 0;
    answer_login(
        asked, user,
        {.status = limited ? ipc::LoginStatus::limited : ipc::LoginStatus::busy,
         .reason = limited ? "too many refused logins from this address" : "too many logins are waiting",
         .user = {}},
        {});
}

void RequestHandler::answer_login(const Asked& asked, const std::string& user, const Decision& decided,
                                  Login login)
{
    Decision decision = decided;
    ipc::LoginAnswer answer{
        .id = asked.id, .status = decision.status, .login = {}, .home = {}, .max_dirs = {}};
    if (decision.status == ipc::LoginStatus::granted) grant(asked, decision, std::move(login), answer);
    if (answer.status == ipc::LoginStatus::busy && decision.reason.empty())
        decision.reason = "too many users are logged in";
    decision.status = answer.status;
    if (answer.status == ipc::LoginStatus::limited)
        answer.retry_seconds = std::max<std::uint32_t>(
            1,
            static_cast<std::uint32_t>(services_.limiter.refused_for(asked.peer, services_.now()).count()));
    log_login(asked, user, decision);
    asked_.erase(asked.id);
    send_(answer);
    // Only after the answer: only logins of users are remembered, and the time that takes must not show.
    remember(asked, user, decision);
    count(asked, user, decision);
}

// A login whose password was checked always gets a line: the check takes so long that these cannot flood the
// log. Logins that are refused without a check can.
void RequestHandler::log_login(const Asked& asked, const std::string& user, const Decision& decision)
{
    const bool checked = decision.status == ipc::LoginStatus::refused && asked.method != session_key_method;
    const std::string peer = address_text(asked.peer);
    const std::initializer_list<LogField> fields{
        {"user", user},
        {"peer", peer},
        {"method", asked.method},
        {"result", status_text(decision.status)},
        {"reason", decision.reason.empty() ? std::string_view{"-"} : decision.reason}};
    if (checked || decision.status == ipc::LoginStatus::granted)
        log_event("login", fields);
    else
        log_throttled(cheap_refusals_, "login", fields);
}

void RequestHandler::grant(const Asked& asked, const Decision& decision, Login login,
                           ipc::LoginAnswer& answer)
{
    login.user = decision.user->name;
    login.generation = decision.user->generation;
    login.max_dirs = decision.user->max_dirs;
    login.peer = asked.peer;
    if (const auto handle = logins_.add(std::move(login))) {
        answer.login = *handle;
        answer.home = decision.user->home;
        answer.max_dirs = decision.user->max_dirs;
    } else {
        answer.status = ipc::LoginStatus::busy;
    }
}

void RequestHandler::remember(const Asked& asked, const std::string& user, const Decision& decision)
{
    const auto seconds = std::chrono::floor<std::chrono::seconds>(services_.now()).time_since_epoch();
    const LoginFrom from{static_cast<std::uint64_t>(seconds.count()), asked.peer, std::string{asked.method}};
    if (decision.status == ipc::LoginStatus::granted)
        services_.history.succeeded(*decision.user, from);
    else if (services_.users->find(user))
        services_.history.failed(user, from, decision.reason);
    services_.history_changed();
}

void RequestHandler::count(const Asked& asked, const std::string& user, const Decision& decision)
{
    const Moment now = services_.now();
    LoginLimiter& limiter = services_.limiter;
    if (decision.status == ipc::LoginStatus::granted) return limiter.succeed(asked.peer, user, now);
    LoginLimiter::Hit hit;
    if (decision.suspicion == Suspicion::guess) hit = limiter.fail(asked.peer, user, now);
    if (decision.suspicion == Suspicion::wrong_signature)
        hit = limiter.fail_wrong_signature(asked.peer, asked.session, now);
    if (hit.account)
        log_throttled(limit_hits_, "limit-hit",
                      {{"limit", "login-limit-account"}, {"user", user}, {"effect", "delay"}});
    if (!hit.address) return;
    const auto seconds = limiter.refused_for(asked.peer, now).count();
    log_throttled(limit_hits_, "limit-hit",
                  {{"limit", "login-limit-address"},
                   {"peer", address_text(asked.peer)},
                   {"seconds", static_cast<std::uint64_t>(seconds)}});
    services_.hash_queue->refuse_all_of(asked.peer); // its earlier logins that still wait
}

} // namespace ftpc::server
