#include "server/ftp/commands/logins.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

const Reply auth_is_away{451, "The login service is away; try again."};

} // namespace

// None: auth is away or too slow, or the connection is to end.
template <class Answer>
asio::awaitable<std::optional<Answer>> Logins::ask(ipc::Request question)
{
    if (!client_.stage.is_serving()) co_return std::nullopt;
    AuthClient& auth = client_.context->server.auth;
    LoopPromise<std::optional<ipc::Answer>> promise{client_.reactor->loop()};
    auto late = [&auth](const std::optional<ipc::Answer>& answer) {
        if (answer) auth.disown(*answer);
    };
    const auto id = auth.ask(std::move(question),
                             [keeper = promise.keeper(), late](std::optional<ipc::Answer> answer) mutable {
                                 keeper.keep(std::move(answer), late);
                             });
    const auto answered = co_await client_.wait_for(Deadlines::For::auth, promise);
    // protection: withdrawn
    if (!answered) auth.withdraw(id);
    const Answer* expected = answered && *answered ? std::get_if<Answer>(&**answered) : nullptr;
    if (expected == nullptr) co_return std::nullopt;
    co_return *expected;
}

// ---- login

asio::awaitable<void> Logins::log_in(LogInByPassword request)
{
    // It may take seconds, so finished replies go out now.
    if (!co_await client_.flush()) co_return;
    ipc::LogInWithPassword question{0, request.user, std::move(request.password), client_.peer};
    co_await finish(co_await ask<ipc::LoginAnswer>(std::move(question)));
}

asio::awaitable<void> Logins::log_in(LogInByPrehash request)
{
    if (!co_await client_.flush()) co_return;
    ipc::LogInWithPrehash question{0, request.user, request.prehash, client_.peer};
    co_await finish(co_await ask<ipc::LoginAnswer>(std::move(question)));
}

asio::awaitable<void> Logins::log_in(LogInBySessionKey request)
{
    const auto binding = client_.stream.channel_binding();
    if (!binding) co_return co_await finish(std::nullopt);
    ipc::LogInWithSessionKey question{0,        request.user,      request.session,
                                      *binding, request.signature, client_.peer};
    co_await finish(co_await ask<ipc::LoginAnswer>(std::move(question)));
}

asio::awaitable<void> Logins::finish(std::optional<ipc::LoginAnswer> answer)
{
    if (answer && answer->status == ipc::LoginStatus::granted) remember(answer->login);
    // It was turned out meanwhile, and told so.
    if (!client_.stage.may_wait() || (!answer && !client_.stage.is_serving())) co_return;
    LoginOutcome outcome = LoginOutcome::unavailable;
    if (answer) switch (answer->status) {
        case ipc::LoginStatus::granted:
            outcome = co_await begin_session(*answer);
            break;
        case ipc::LoginStatus::refused:
            outcome = LoginOutcome::refused;
            break;
        case ipc::LoginStatus::busy:
            outcome = LoginOutcome::busy;
            break;
        case ipc::LoginStatus::limited:
            outcome = LoginOutcome::limited;
            break;
        }
    const Action reply = session_.on_login(outcome, answer ? answer->retry_seconds : 0, home_failure_);
    forget_if_over();
    if (const auto* last = std::get_if<LastReply>(&reply))
        client_.answer_last(*last);
    else
        client_.answer(std::get<Reply>(reply));
}

asio::awaitable<LoginOutcome> Logins::begin_session(const ipc::LoginAnswer& answer)
{
    directories_.set_max_dirs(answer.max_dirs);
    const auto home_failure = co_await directories_.enter_home(answer.home);
    if (!home_failure) co_return LoginOutcome::turned_out;
    home_failure_ = *home_failure;
    if (home_failure_) co_return LoginOutcome::home_unusable;
    const auto admitted = client_.context->server.admission.log_in(client_.id, session_.user());
    if (admitted == Admission::LogIn::gone) co_return LoginOutcome::turned_out;
    if (admitted == Admission::LogIn::too_many_sessions) {
        client_.log.too_many_sessions();
        co_return LoginOutcome::too_many_sessions;
    }
    client_.deadlines.logged_in();
    client_.log.session_began(client_.stream);
    co_return LoginOutcome::granted;
}

void Logins::remember(const ipc::LoginHandle& login)
{
    login_ = login;
    arrive();
}

void Logins::leave()
{
    if (login_) client_.context->logins.erase(*login_);
}

void Logins::arrive()
{
    if (login_) client_.context->logins[*login_] = &connection_;
}

void Logins::forget()
{
    if (!login_) return;
    client_.context->server.auth.tell({*login_});
    leave();
    login_.reset();
}

void Logins::forget_if_over()
{
    if (!login_ || session_.logged_in()) return;
    forget();
    client_.context->server.admission.log_out(client_.id);
    client_.deadlines.logged_out(ClientChannel::Clock::now());
    directories_.leave_home();
}

// ---- session keys

asio::awaitable<void> Logins::enrol(EnrolKey request)
{
    const ipc::EnrolSessionKey question{0, *login_, request.key, request.lifetime_seconds};
    const auto answer = co_await ask<ipc::EnrolAnswer>(question);
    if (!answer && !client_.stage.is_serving()) co_return;
    client_.answer(session_.on_key_enrolled(answer.value_or(ipc::EnrolAnswer{})));
}

asio::awaitable<void> Logins::end_key(EndKey request)
{
    const ipc::EndSessionKey question{0, *login_, !request.session.has_value(),
                                      request.session.value_or(SessionId{})};
    const auto answer = co_await ask<ipc::EndAnswer>(question);
    if (!answer && !client_.stage.is_serving()) co_return;
    client_.answer(answer ? session_.on_key_ended(*answer) : auth_is_away);
}

asio::awaitable<void> Logins::list_keys(ListKeys)
{
    const ipc::ListSessionKeys question{0, *login_};
    const auto answer = co_await ask<ipc::ListAnswer>(question);
    if (!answer && !client_.stage.is_serving()) co_return;
    client_.answer(answer ? session_.on_keys_listed(*answer) : auth_is_away);
}

} // namespace ftpc::server
