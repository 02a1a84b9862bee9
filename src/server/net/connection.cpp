#include "server/net/connection.hpp"

#include "server/log.hpp"
#include "server/net/error_reply.hpp"
#include "server/net/peer_text.hpp"
#include "shared/error.hpp"

#include <boost/asio.hpp>

#include <array>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds turn_time{2}; // of one connection before the others get theirs

namespace {

// An event in which the connection's coroutine waits for another thread.
struct CommitWait {
    asio::steady_timer done;
    error_code result;
};

} // namespace

Connection::Connection(Services& services, asio::ip::tcp::socket socket, const ipc::PeerAddress& peer,
                       ConnectionId id, const std::string& realm)
    : services_{services}, stream_{std::move(socket)}, peer_{peer}, session_{realm}, id_{id},
      patience_{Clock::now()}
{}

Connection::~Connection()
{
    if (listed_) services_.connections.erase(id_);
    services_.admission.leave(id_);
    if (login_) services_.auth.tell({*login_});
}

void Connection::end(Reply reply)
{
    if (!ending_) ending_ = std::move(reply);
    patience_.hurry(Clock::now());
    if (patience_.waits(Patience::For::command) || slowed_ != nullptr) wake();
}

void Connection::end_at_once(Reply reply)
{
    ending_ = std::move(reply);
    over_ = cut_off_ = true;
    wake();
}

void Connection::end_if_overdue(Clock::time_point now)
{
    const std::uint64_t sent = stream_.bytes_sent();
    if (sent != std::exchange(sent_before_, sent)) patience_.client_took_something(now);
    const auto limit = patience_.exceeded(services_.settings, now);
    if (!limit) return;
    if (handed_over_ != nullptr) return leave_file_system();
    const bool can_be_told = patience_.waits(Patience::For::command) && *limit != TimeLimit::last_words;
    if (!can_be_told) return cut_off(*limit);
    end({421, *limit == TimeLimit::idle ? "Idle for too long; closing." : "No login in time; closing."});
}

// It does not take its replies, or does not finish the handshake.
void Connection::cut_off(TimeLimit limit)
{
    if (end_reason_.empty()) end_reason_ = ending_ ? std::string_view{ending_->text} : setting_name(limit);
    over_ = cut_off_ = true;
    wake();
}

// What hangs goes on hanging without this connection.
void Connection::leave_file_system()
{
    services_.log.event("operation-abandoned",
                        {{"id", id_}, {"user", session_.user()}, {"peer", peer_text(peer_)}});
    end({421, "The file system does not answer; closing."});
    wake();
}

// Lets whatever is waited for end now.
void Connection::wake()
{
    stream_.cancel();
    if (slowed_ != nullptr) slowed_->cancel();
    if (handed_over_ != nullptr) handed_over_->cancel();
}

asio::awaitable<void> Connection::run()
{
    listed_ = services_.connections.emplace(id_, this).second;
    services_.log.stranger("connected", {{"id", id_}, {"peer", peer_text(peer_)}});
    if (!over_) {
        replies_.add(Session::greeting());
        co_await flush();
        co_await serve();
    }
    co_await finish();
    log_end();
}

asio::awaitable<void> Connection::serve()
{
    while (!over_) {
        const bool received = co_await receive();
        if (!received) break;
        co_await handle_lines();
        lines_.release_if_empty();
    }
}

// More bytes from the client; false when the connection is over or to be ended.
asio::awaitable<bool> Connection::receive()
{
    if (ending_) co_return false;
    patience_.wait(Patience::For::command, Clock::now());
    const error_code idle_end = co_await stream_.wait_until_readable();
    Result<std::size_t> got = idle_end;
    if (!idle_end) got = co_await stream_.read_some(lines_.room());
    patience_.wait(Patience::For::nothing, Clock::now());
    if (!got && !ending_) {
        over_ = true;
        if (end_reason_.empty())
            end_reason_ = got.error() == asio::error::eof ? "closed by the client"
                          : !stream_.tls_error().empty()  ? stream_.tls_error()
                                                          : got.error().message();
    }
    if (!got || ending_) co_return false;
    lines_.received(*got);
    asked_ = HomeQuota::Clock::now();
    co_return true;
}

asio::awaitable<void> Connection::handle_lines()
{
    const std::uint64_t commands_before = commands_;
    auto turn_ends = Clock::now() + turn_time;
    while (!over_ && !ending_) {
        const LineBuffer::Line line = lines_.next();
        if (line.status == LineBuffer::Status::need_more) break;
        const auto now = Clock::now();
        if (now > turn_ends) {
            co_await asio::post(services_.io, use_awaitable);
            turn_ends = Clock::now() + turn_time;
        }
        const auto too_fast_by = rate_.take(services_.settings.max_commands_per_second, now);
        if (too_fast_by > Clock::duration::zero()) {
            co_await slow_down(too_fast_by);
            if (over_ || ending_) co_return;
        }
        ++commands_;
        Action action = act_on(line);
        forget_login_if_over();
        if (!perform_at_once(action)) co_await perform(std::move(action));
        if (replies_.full()) {
            const bool sent = co_await flush();
            if (!sent) co_return;
        }
    }
    co_await flush();
    if (commands_ != commands_before) patience_.command_answered(Clock::now());
}

// Nothing is read meanwhile, so that the client's own buffers fill and it waits, too.
asio::awaitable<void> Connection::slow_down(Clock::duration time)
{
    services_.log.trouble(EventLog::Trouble::too_fast, "limit-hit",
                          {{"limit", "max-commands-per-second"}, {"id", id_}, {"peer", peer_text(peer_)}});
    const bool sent = co_await flush();
    if (!sent || ending_) co_return;
    asio::steady_timer timer{services_.io, time};
    slowed_ = &timer;
    co_await timer.async_wait(use_awaitable);
    slowed_ = nullptr;
}

Action Connection::act_on(const LineBuffer::Line& line)
{
    switch (line.status) {
    case LineBuffer::Status::too_long:
        return session_.on_line_too_long();
    case LineBuffer::Status::endless:
        return session_.on_endless_line();
    default:
        return session_.on_line(line.text);
    }
}

// USER and REIN end a login that was there.
void Connection::forget_login_if_over()
{
    if (!login_ || session_.logged_in()) return;
    services_.auth.tell({*login_});
    services_.admission.log_out(id_);
    patience_.logged_out(Clock::now());
    login_.reset();
    place_ = {};
}

// ---- replies

// Sends what has gathered, after the sync that it depends on. False when the client cannot be reached any
// more.
asio::awaitable<bool> Connection::flush()
{
    if (replies_.empty()) co_return true;
    const error_code sync_result = co_await synced();
    if (sync_result) log_event("sync-failed", {{"error", sync_result.message()}});
    const std::string text = replies_.take(sync_result);
    patience_.wait(Patience::For::taking, Clock::now());
    const error_code failure = co_await stream_.write_all(text);
    patience_.wait(Patience::For::nothing, Clock::now());
    if (failure) over_ = write_failed_ = true;
    if (failure && end_reason_.empty()) end_reason_ = failure.message();
    co_return !failure;
}

asio::awaitable<error_code> Connection::synced()
{
    auto parents = replies_.take_parents();
    if (parents.empty()) co_return error_code{};
    const auto wait = std::make_shared<CommitWait>(
        CommitWait{asio::steady_timer{services_.io, asio::steady_timer::time_point::max()}, {}});
    services_.commits.commit(std::move(parents), [wait, &io = services_.io](error_code result) {
        asio::post(io, [wait, result] {
            wait->result = result;
            wait->done.cancel();
        });
    });
    co_await wait->done.async_wait(use_awaitable);
    co_return wait->result;
}

void Connection::say_last(Reply reply)
{
    replies_.add(reply);
    end_reason_ = std::move(reply.text);
    over_ = true;
}

asio::awaitable<void> Connection::finish()
{
    over_ = true;
    if (ending_) end_reason_ = ending_->text;
    if (ending_) replies_.add(*ending_);
    if (cut_off_) {
        if (ending_ && !write_failed_) stream_.write_at_once(replies_.take({}));
    } else if (!replies_.empty()) {
        co_await flush();
    }
    stream_.finish_sending();
    if (!cut_off_) co_await drain();
    stream_.close();
}

// Gives the client the time that it needs to take the last reply: closing a socket that has unread bytes
// would reset the connection and with it the reply.
asio::awaitable<void> Connection::drain()
{
    patience_.wait(Patience::For::last_reading, Clock::now());
    std::array<char, 4096> discarded;
    std::size_t left = LineBuffer::max_skipped_bytes;
    while (left > 0 && !cut_off_) {
        const auto got = co_await stream_.read_some(discarded);
        if (!got) break;
        left -= std::min(left, *got);
    }
}

// ---- what the session asks for

// Everything that needs no waiting; false when perform() has to.
bool Connection::perform_at_once(Action& action)
{
    if (const auto* reply = std::get_if<Reply>(&action)) {
        replies_.add(*reply);
    } else if (auto* last = std::get_if<LastReply>(&action)) {
        say_last(std::move(last->reply));
    } else if (const auto* make = std::get_if<MakeDirectory>(&action)) {
        return this->make(*make);
    } else if (const auto* path = std::get_if<MakePath>(&action)) {
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
        const auto answer = co_await services_.auth.ask<ipc::EnrolAnswer>(question);
        replies_.add(session_.on_key_enrolled(answer.value_or(ipc::EnrolAnswer{})));
    } else if (const auto* end = std::get_if<EndKey>(&action)) {
        const ipc::EndSessionKey question{0, *login_, !end->session.has_value(),
                                          end->session.value_or(SessionId{})};
        const auto answer = co_await services_.auth.ask<ipc::EndAnswer>(question);
        replies_.add(answer ? session_.on_key_ended(*answer)
                            : Reply{451, "The login service is away; try again."});
    } else if (std::holds_alternative<ListKeys>(action)) {
        const ipc::ListSessionKeys question{0, *login_};
        const auto answer = co_await services_.auth.ask<ipc::ListAnswer>(question);
        replies_.add(answer ? session_.on_keys_listed(*answer)
                            : Reply{451, "The login service is away; try again."});
    } else {
        co_await log_in(std::move(action));
    }
}

asio::awaitable<void> Connection::start_tls()
{
    // Whatever came behind AUTH TLS came in clear and could have been put there by anybody (CVE-2011-0411).
    if (lines_.pending() > 0) {
        services_.log.stranger("bytes-before-tls", {{"id", id_}, {"peer", peer_text(peer_)}});
        replies_.take({});
        end_reason_ = "bytes behind AUTH TLS";
        over_ = true;
        co_return;
    }
    const bool sent = co_await flush();
    if (!sent) co_return;
    patience_.wait(Patience::For::handshake, Clock::now());
    const error_code failure = co_await stream_.start_tls(services_.tls);
    patience_.wait(Patience::For::nothing, Clock::now());
    if (failure) {
        if (end_reason_.empty())
            end_reason_ = stream_.tls_error().empty() ? failure.message() : stream_.tls_error();
        services_.log.stranger("tls-failed",
                               {{"id", id_}, {"peer", peer_text(peer_)}, {"error", end_reason_}});
        over_ = true;
        co_return;
    }
    services_.log.stranger("tls", {{"id", id_},
                                   {"peer", peer_text(peer_)},
                                   {"version", stream_.tls_version_name()},
                                   {"cipher", stream_.tls_cipher_name()}});
    session_.on_tls(stream_.tls_version());
}

asio::awaitable<void> Connection::stop_tls()
{
    const bool sent = co_await flush();
    if (!sent) co_return;
    lines_ = LineBuffer{}; // what was pipelined behind REIN belonged to the TLS session
    const error_code failure = co_await stream_.stop_tls();
    if (failure) over_ = true;
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
        answer = co_await services_.auth.ask<ipc::LoginAnswer>(std::move(question));
    } else if (const auto* prehash = std::get_if<LogInByPrehash>(&action)) {
        ipc::LogInWithPrehash question{0, prehash->user, prehash->prehash, peer_};
        answer = co_await services_.auth.ask<ipc::LoginAnswer>(std::move(question));
    } else if (const auto* key = std::get_if<LogInBySessionKey>(&action)) {
        if (const auto binding = stream_.channel_binding()) {
            ipc::LogInWithSessionKey question{0, key->user, key->session, *binding, key->signature, peer_};
            answer = co_await services_.auth.ask<ipc::LoginAnswer>(std::move(question));
        }
    }
    LoginOutcome outcome = LoginOutcome::unavailable;
    if (answer && answer->status == ipc::LoginStatus::busy) outcome = LoginOutcome::busy;
    if (answer && answer->status == ipc::LoginStatus::refused) outcome = LoginOutcome::refused;
    if (answer && answer->status == ipc::LoginStatus::granted) outcome = co_await begin_session(*answer);
    if (answer && answer->status == ipc::LoginStatus::limited) outcome = LoginOutcome::limited;
    Action reply = session_.on_login(outcome, answer ? answer->retry_seconds : 0);
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
    if (!services_.admission.log_in(id_, user)) {
        services_.log.trouble(EventLog::Trouble::too_many_sessions, "limit-hit",
                              {{"limit", setting_name(Bound::sessions_per_user)},
                               {"id", id_},
                               {"user", user},
                               {"peer", peer_text(peer_)}});
        co_return LoginOutcome::too_many_sessions;
    }
    patience_.logged_in();
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
        auto waited = co_await hand_over(lane_of_home(services_.tree, home), std::move(work));
        if (!waited.value) co_return LoginOutcome::unavailable;
        opened = std::move(*waited.value);
    }
    if (!opened) {
        log_event("home-unusable", {{"home", home}, {"error", opened.error().message()}});
        co_return LoginOutcome::homeless;
    }
    place_ = workplace(*opened, services_.quotas);
    co_return LoginOutcome::granted;
}

// ---- directories

// Runs `work` on a thread that may wait. The connection waits for it, but no longer than end_if_overdue()
// lets it: what the work needs belongs to the work.
template <class Work>
auto Connection::hand_over(Workers::Lane lane, Work work) -> asio::awaitable<HandedOver<decltype(work())>>
{
    struct Shared {
        asio::steady_timer done;
        HandedOver<decltype(work())> result; // the worker's, until it is finished
        bool finished = false;
    };
    const auto shared = std::make_shared<Shared>(
        Shared{asio::steady_timer{services_.io, asio::steady_timer::time_point::max()}, {}, false});
    const bool taken = services_.workers.submit(lane, [shared, work = std::move(work), &io = services_.io] {
        shared->result.value.emplace(work());
        asio::post(io, [shared] {
            shared->finished = true;
            shared->done.cancel();
        });
    });
    if (!taken) co_return HandedOver<decltype(work())>{Errc::too_many_waiting, std::nullopt};
    handed_over_ = &shared->done;
    patience_.wait(Patience::For::file_system, Clock::now());
    co_await shared->done.async_wait(use_awaitable);
    handed_over_ = nullptr;
    patience_.wait(Patience::For::nothing, Clock::now());
    if (!shared->finished)
        co_return HandedOver<decltype(work())>{asio::error::operation_aborted, std::nullopt};
    co_return std::move(shared->result);
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
    auto opened = co_await hand_over(place_.waiting, std::move(work));
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

// Makes it now; false when a worker has to.
template <class Request>
bool Connection::make(const Request& request)
{
    place_.max_dirs = own_max_dirs_.value_or(services_.settings.max_dirs);
    const Carried made = carry_out(services_.tree, place_, request, asked_, Effort::at_once);
    if (made.failure == Errc::would_wait || made.failure == Errc::must_count) return false;
    on_made(request, made);
    return true;
}

// First on a thread that only counts; it may turn out that there is a file system to wait for.
template <class Request>
asio::awaitable<void> Connection::make_in_worker(Request request)
{
    Carried made = co_await made_in_worker(request, Effort::may_count);
    if (made.failure == Errc::would_wait) made = co_await made_in_worker(request, Effort::may_wait);
    if (made.failure == asio::error::operation_aborted) co_return;
    on_made(request, made);
}

template <class Request>
asio::awaitable<Carried> Connection::made_in_worker(const Request& request, Effort effort)
{
    const bool durable = services_.settings.durability == Durability::group;
    const auto lane = effort == Effort::may_count ? place_.counting : place_.waiting;
    auto work = [&tree = services_.tree, place = place_, request, asked = asked_, effort, durable] {
        Carried made = carry_out(tree, place, request, asked, effort);
        if (durable) made.sync_failure = sync_those_not_local(made.parents);
        return made;
    };
    auto result = co_await hand_over(lane, std::move(work));
    if (!result.value) co_return Carried{.failure = result.failure};
    co_return std::move(*result.value);
}

void Connection::on_made(const MakeDirectory& request, const Carried& made)
{
    add_outcome(session_.on_directory_made(request.path, made.failure), request.path, made);
}

void Connection::on_made(const MakePath& request, const Carried& made)
{
    add_outcome(session_.on_path_made(request.path, made.anything, made.failure), request.path, made);
}

// `reply`, unless there is more to be said than the session knows.
void Connection::add_outcome(const Reply& reply, const RemotePath& path, const Carried& made)
{
    if (made.anything) log_directory(path);
    if (made.sync_failure) {
        log_event("sync-failed", {{"error", made.sync_failure.message()}});
        replies_.add(ReplyBatch::not_synced(made.sync_failure));
    } else if (!made.parents.empty()) {
        add_durably(reply, made.parents);
    } else if (made.failure == Errc::over_quota) {
        if (!std::exchange(told_of_quota_, true))
            services_.log.event("limit-hit", {{"limit", "max-dirs"},
                                              {"id", id_},
                                              {"user", session_.user()},
                                              {"max-dirs", place_.max_dirs}});
        replies_.add(over_quota_reply(place_.max_dirs));
    } else {
        replies_.add(reply);
    }
}

void Connection::log_directory(const RemotePath& path)
{
    ++directories_;
    if (services_.settings.log_directories) services_.log.directory_made(id_, session_.user(), path.text());
}

void Connection::add_durably(const Reply& reply, const std::vector<Directory>& parents)
{
    if (services_.settings.durability == Durability::group)
        replies_.add_when_synced(reply, parents);
    else
        replies_.add(reply);
}

// ---- the log

void Connection::log_end()
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began_).count();
    const EventLog::Fields fields{{"id", id_},
                                  {"peer", peer_text(peer_)},
                                  {"user", session_.logged_in() ? std::string_view{session_.user()} : "-"},
                                  {"reason", end_reason_},
                                  {"seconds", static_cast<std::uint64_t>(seconds)},
                                  {"commands", commands_},
                                  {"directories", directories_}};
    if (login_)
        services_.log.event("disconnected", fields);
    else
        services_.log.stranger("disconnected", fields);
}

} // namespace ftpc::server
