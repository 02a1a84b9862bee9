// What a connection does for its session: logins, session keys, directories.
#include "server/ftp/connection.hpp"

#include "server/ftp/error_reply.hpp"
#include "server/ipc/peer_text.hpp"
#include "server/log/log.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto nobody = [](const auto&) {}; // cares for what comes late
constexpr std::chrono::seconds time_of_auth{60};

namespace {

bool needs_worker(error_code failure)
{
    return failure == Errc::would_wait || failure == Errc::must_count;
}

} // namespace

// Everything that needs no waiting; false when perform() has to.
bool Connection::perform_at_once(Action& action)
{
    if (const auto* reply = std::get_if<Reply>(&action)) {
        replies_.add(*reply);
    } else if (auto* last = std::get_if<LastReply>(&action)) {
        say_last(std::move(last->reply));
    } else if (auto* make = std::get_if<MakeDirectory>(&action)) {
        return this->make(*make);
    } else if (auto* path = std::get_if<MakePath>(&action)) {
        return this->make(*path);
    } else if (const auto* change = std::get_if<ChangeDirectory>(&action)) {
        return change_directory(change->path);
    } else {
        return false;
    }
    return true;
}

asio::awaitable<void> Connection::perform(Action action)
{
    if (auto* make = std::get_if<MakeDirectory>(&action)) {
        co_await make_in_worker(std::move(*make));
    } else if (auto* path = std::get_if<MakePath>(&action)) {
        co_await make_in_worker(std::move(*path));
    } else if (auto* change = std::get_if<ChangeDirectory>(&action)) {
        co_await change_directory_in_worker(std::move(change->path));
    } else if (const auto* start = std::get_if<StartTls>(&action)) {
        replies_.add(start->reply);
        co_await start_tls();
    } else if (const auto* stop = std::get_if<StopTls>(&action)) {
        replies_.add(stop->reply);
        co_await stop_tls();
    } else if (const auto* enrol = std::get_if<EnrolKey>(&action)) {
        const ipc::EnrolSessionKey question{0, *login_, enrol->key, enrol->lifetime_seconds};
        const auto answer = co_await ask<ipc::EnrolAnswer>(question);
        if (ending_ && !answer) co_return;
        replies_.add(session_.on_key_enrolled(answer.value_or(ipc::EnrolAnswer{})));
    } else if (const auto* end = std::get_if<EndKey>(&action)) {
        const ipc::EndSessionKey question{0, *login_, !end->session.has_value(),
                                          end->session.value_or(SessionId{})};
        const auto answer = co_await ask<ipc::EndAnswer>(question);
        if (ending_ && !answer) co_return;
        replies_.add(answer ? session_.on_key_ended(*answer)
                            : Reply{451, "The login service is away; try again."});
    } else if (std::holds_alternative<ListKeys>(action)) {
        const ipc::ListSessionKeys question{0, *login_};
        const auto answer = co_await ask<ipc::ListAnswer>(question);
        if (ending_ && !answer) co_return;
        replies_.add(answer ? session_.on_keys_listed(*answer)
                            : Reply{451, "The login service is away; try again."});
    } else {
        co_await log_in(std::move(action));
    }
}

// ---- what auth is asked

// None: auth is away or too slow, or the connection is to end.
template <class Answer>
asio::awaitable<std::optional<Answer>> Connection::ask(ipc::Request question)
{
    if (cut_off_ || ending_) co_return std::nullopt;
    LoopPromise<std::optional<ipc::Answer>> promise{services_.io, Clock::now() + time_of_auth};
    auto late = [&auth = services_.auth](const std::optional<ipc::Answer>& answer) {
        if (answer) auth.disown(*answer);
    };
    const auto id = services_.auth.ask(
        std::move(question), [keeper = promise.keeper(), late](std::optional<ipc::Answer> answer) mutable {
            keeper.keep(std::move(answer), late);
        });
    patience_.wait(Patience::For::auth, Clock::now());
    const auto answered = co_await wait_for(promise);
    patience_.wait(Patience::For::nothing, Clock::now());
    if (!answered) services_.auth.withdraw(id);
    const Answer* expected = answered && *answered ? std::get_if<Answer>(&**answered) : nullptr;
    if (expected == nullptr) co_return std::nullopt;
    co_return *expected;
}

// ---- login

asio::awaitable<void> Connection::log_in(Action action)
{
    std::optional<ipc::LoginAnswer> answer;
    if (!std::holds_alternative<LogInBySessionKey>(
            action)) { // it may take seconds: what is ready goes out now
        const bool sent = co_await flush();
        if (!sent) co_return;
    }
    if (auto* password = std::get_if<LogInByPassword>(&action)) {
        ipc::LogInWithPassword question{0, password->user, std::move(password->password), peer_};
        answer = co_await ask<ipc::LoginAnswer>(std::move(question));
    } else if (const auto* prehash = std::get_if<LogInByPrehash>(&action)) {
        ipc::LogInWithPrehash question{0, prehash->user, prehash->prehash, peer_};
        answer = co_await ask<ipc::LoginAnswer>(std::move(question));
    } else if (const auto* key = std::get_if<LogInBySessionKey>(&action)) {
        if (const auto binding = stream_.channel_binding()) {
            ipc::LogInWithSessionKey question{0, key->user, key->session, *binding, key->signature, peer_};
            answer = co_await ask<ipc::LoginAnswer>(std::move(question));
        }
    }
    if (ending_ && !answer) co_return;
    if (cut_off_) { // turned out meanwhile, and told so
        if (answer && answer->status == ipc::LoginStatus::granted) login_ = answer->login; // ends with this
        co_return;
    }
    LoginOutcome outcome = LoginOutcome::unavailable;
    if (answer && answer->status == ipc::LoginStatus::busy) outcome = LoginOutcome::busy;
    if (answer && answer->status == ipc::LoginStatus::refused) outcome = LoginOutcome::refused;
    if (answer && answer->status == ipc::LoginStatus::granted) outcome = co_await begin_session(*answer);
    if (answer && answer->status == ipc::LoginStatus::limited) outcome = LoginOutcome::limited;
    Action reply = session_.on_login(outcome, answer ? answer->retry_seconds : 0, home_failure_);
    forget_login_if_over();
    perform_at_once(reply);
}

asio::awaitable<LoginOutcome> Connection::begin_session(ipc::LoginAnswer answer)
{
    login_ = answer.login;
    own_max_dirs_ = answer.max_dirs;
    const LoginOutcome entered = co_await enter_home(std::move(answer.home));
    if (entered != LoginOutcome::granted) co_return entered;
    const std::string& user = session_.user();
    const Admission::LogIn admitted = services_.admission.log_in(id_, user);
    if (admitted == Admission::LogIn::gone) co_return LoginOutcome::turned_out;
    if (admitted == Admission::LogIn::too_many_sessions) {
        services_.log.trouble(EventLog::Trouble::too_many_sessions, "limit-hit",
                              {{"limit", setting_name(Bound::sessions_per_user)},
                               {"id", id_},
                               {"user", user},
                               {"peer", peer_text(peer_)}});
        co_return LoginOutcome::too_many_sessions;
    }
    patience_.logged_in();
    stranger_.reset();
    services_.log.event("session-began", {{"id", id_},
                                          {"user", user},
                                          {"peer", peer_text(peer_)},
                                          {"version", stream_.tls_version_name()},
                                          {"cipher", stream_.tls_cipher_name()}});
    co_return LoginOutcome::granted;
}

asio::awaitable<LoginOutcome> Connection::enter_home(std::string home)
{
    auto opened = open_home(services_.tree, home, Effort::at_once);
    if (!opened && opened.error() == Errc::would_wait) {
        auto work = [&tree = services_.tree, home] { return open_home(tree, home, Effort::may_wait); };
        auto waited = co_await hand_over(lane_of_home(services_.tree, home), std::move(work), nobody);
        opened = waited.value ? std::move(*waited.value) : Result<OpenedHome>{waited.failure};
    }
    if (cut_off_ || ending_) co_return LoginOutcome::turned_out; // perhaps while it waited
    home_failure_ = opened ? error_code{} : opened.error();
    if (!opened) {
        services_.log.event("home-unusable", {{"id", id_},
                                              {"user", session_.user()},
                                              {"peer", peer_text(peer_)},
                                              {"home", home},
                                              {"error", opened.error().message()}});
        co_return LoginOutcome::home_unusable;
    }
    place_ = workplace(*opened, services_.homes);
    co_return LoginOutcome::granted;
}

// ---- directories

// Runs `work` on a thread that may wait. The connection waits for it, but no longer than end_if_overdue()
// lets it: what the work needs belongs to the work. `late` gets what came of it where nobody has waited.
template <class Work, class Late>
auto Connection::hand_over(Workers::Lane lane, Work work, Late late)
    -> asio::awaitable<HandedOver<decltype(work())>>
{
    LoopPromise<decltype(work())> promise{services_.io};
    const bool taken = services_.workers.submit(
        lane, [keeper = promise.keeper(), work = std::move(work), late = std::move(late)]() mutable {
            keeper.keep(work(), std::move(late));
        });
    if (!taken) co_return HandedOver<decltype(work())>{Errc::too_many_waiting, std::nullopt};
    patience_.wait(Patience::For::file_system, Clock::now());
    auto value = co_await wait_for(promise);
    patience_.wait(Patience::For::nothing, Clock::now());
    const error_code failure = value ? error_code{} : asio::error::operation_aborted;
    co_return HandedOver<decltype(work())>{failure, std::move(value)};
}

bool Connection::change_directory(const RemotePath& path)
{
    auto opened = services_.tree.open(place_.home, path, Blocking::at_once);
    if (!opened && opened.error() == Errc::would_wait) return false;
    on_directory_opened(path, std::move(opened));
    return true;
}

asio::awaitable<void> Connection::change_directory_in_worker(RemotePath path)
{
    auto work = [&tree = services_.tree, home = place_.home, path] { return tree.open(home, path); };
    auto opened = co_await hand_over(place_.waiting, std::move(work), nobody);
    if (opened.value)
        on_directory_opened(path, std::move(*opened.value));
    else if (!ending_)
        on_directory_opened(path, opened.failure);
}

void Connection::on_directory_opened(const RemotePath& path, Result<Directory> opened)
{
    if (opened) place_.working_directory = std::move(*opened);
    replies_.add(session_.on_directory_changed(path, opened ? error_code{} : opened.error()));
}

// Makes it now; false when a worker has to, or what is left of it.
template <class Request>
bool Connection::make(Request& request)
{
    place_.max_dirs = own_max_dirs_.value_or(services_.settings.max_dirs);
    Carried carried =
        carry_out(services_.tree, place_, request, asked_, Effort::at_once, &services_.recent_parent, sync());
    if (carried.failure && needs_worker(carried.failure)) {
        begun_ = std::move(carried.made);
        return false;
    }
    on_made(request, carried);
    session_.take_back(std::move(request.path));
    return true;
}

// First on a thread that only counts; it may turn out that there is a file system to wait for.
template <class Request>
asio::awaitable<void> Connection::make_in_worker(Request request)
{
    Carried carried{.made = std::exchange(begun_, {})};
    carried.go_on_with(co_await made_in_worker(request, Effort::may_count), most_parents(place_));
    if (carried.failure == Errc::would_wait)
        carried.go_on_with(co_await made_in_worker(request, Effort::may_wait), most_parents(place_));
    if (carried.abandoned) {
        log_directories(request.path, carried.made);
        sync_unawaited(services_, std::move(carried.made.parents));
    } else {
        on_made(request, carried);
    }
    services_.log.put_into_words();
}

template <class Request>
asio::awaitable<Carried> Connection::made_in_worker(const Request& request, Effort effort)
{
    const auto lane = effort == Effort::may_count ? place_.counting : place_.waiting;
    auto work = [&tree = services_.tree, place = place_, request, asked = asked_, effort, sync = sync()] {
        Carried carried = carry_out(tree, place, request, asked, effort, nullptr, sync);
        if (sync == nullptr) return carried;
        if (const error_code failure = sync_those_not_local(carried.made.parents, *sync))
            carried.made.sync_failure = failure;
        return carried;
    };
    auto late = [&services = services_, id = id_, user = session_.user(),
                 path = request.path](const Carried& carried) {
        log_made(services, id, user, path, carried.made);
        sync_unawaited(services, carried.made.parents);
    };
    auto result = co_await hand_over(lane, std::move(work), std::move(late));
    if (!result.value)
        co_return Carried{.failure = result.failure,
                          .abandoned = result.failure == asio::error::operation_aborted};
    co_return std::move(*result.value);
}

void Connection::on_made(const MakeDirectory& request, const Carried& carried)
{
    Reply& reply = services_.spare.reply;
    session_.on_directory_made(request.path, carried.failure, reply);
    add_outcome(reply, request.path, carried);
}

void Connection::on_made(const MakePath& request, const Carried& carried)
{
    add_outcome(session_.on_path_made(request.path, carried.made.path, carried.failure), request.path,
                carried);
}

// `reply`, unless there is more to be said than the session knows.
void Connection::add_outcome(const Reply& reply, const RemotePath& path, const Carried& carried)
{
    log_directories(path, carried.made);
    if (!carried.failure && !carried.made.sync_failure) return add_durably(reply, carried.made.parents);
    if (concerns_operator(carried.failure)) log_refusal(path, carried.failure);
    if (carried.made.sync_failure) {
        log_event("sync-failed", {{"error", carried.made.sync_failure.message()}});
        replies_.add(ReplyBatch::not_synced(carried.made.sync_failure));
    } else if (carried.failure == Errc::over_quota) {
        log_quota();
        add_durably(over_quota_reply(place_.max_dirs), carried.made.parents);
    } else {
        add_durably(reply, carried.made.parents);
    }
}

void Connection::log_refusal(const RemotePath& path, error_code failure)
{
    constexpr auto tree_refuses = EventLog::Trouble::tree_refuses;
    constexpr std::string_view event = "directory-failed";
    const std::string_view text = path.text();
    const LogField id{"id", id_};
    const LogField user{"user", session_.user()};
    const std::string words = failure.message();
    const LogField error{"error", words};
    if (text.size() <= EventLog::max_path_bytes)
        services_.log.trouble(tree_refuses, event, {id, user, {"path", text}, error});
    else
        services_.log.trouble(tree_refuses, event,
                              {id,
                               user,
                               {"path-begins", first_bytes(text, EventLog::max_path_bytes)},
                               {"path-bytes", std::uint64_t{text.size()}},
                               error});
}

void Connection::log_quota()
{
    if (std::exchange(told_of_quota_, true)) return;
    services_.log.event(
        "limit-hit",
        {{"limit", "max-dirs"}, {"id", id_}, {"user", session_.user()}, {"max-dirs", place_.max_dirs}});
}

void Connection::log_directories(const RemotePath& path, const Made& made)
{
    directories_ += made.directories;
    log_made(services_, id_, session_.user(), path, made);
}

// The path as far as it was made.
void Connection::log_made(Services& services, ConnectionId id, std::string_view user, const RemotePath& path,
                          const Made& made)
{
    if (made.directories == 0 || !services.settings.log_directories) return;
    const std::string_view whole = path.text();
    services.log.directory_made(id, user, whole.substr(0, whole.size() - made.below), made.directories);
}

void Connection::add_durably(const Reply& reply, const Parents& parents)
{
    if (services_.settings.durability == Durability::group && !parents.empty())
        replies_.add_when_synced(reply, parents, most_parents(place_));
    else
        replies_.add(reply);
}

// Null where directories are acknowledged before they are on disk.
TreeSync* Connection::sync() const
{
    return services_.settings.durability == Durability::group ? &services_.sync : nullptr;
}

} // namespace ftpc::server
