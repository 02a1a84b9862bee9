#include "server/net/connection.hpp"

#include "server/log.hpp"
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
                       ConnectionId id)
    : services_{services}, stream_{std::move(socket)}, peer_{peer}, session_{services.auth.realm()}, id_{id},
      patience_{Clock::now()}
{
    services_.connections.emplace(id_, this);
}

Connection::~Connection()
{
    services_.connections.erase(id_);
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

// Lets whatever is waited for end now.
void Connection::wake()
{
    stream_.cancel();
    if (slowed_ != nullptr) slowed_->cancel();
}

asio::awaitable<void> Connection::run()
{
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
            end_reason_ = got.error() == asio::error::eof ? "closed by the client" : got.error().message();
    }
    if (!got || ending_) co_return false;
    lines_.received(*got);
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
    home_ = working_directory_ = nullptr;
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
        make_directory(*make);
    } else if (const auto* path = std::get_if<MakePath>(&action)) {
        make_path(*path);
    } else if (const auto* change = std::get_if<ChangeDirectory>(&action)) {
        change_directory(change->path);
    } else {
        return false;
    }
    return true;
}

asio::awaitable<void> Connection::perform(Action action)
{
    if (const auto* start = std::get_if<StartTls>(&action)) {
        replies_.add(start->reply);
        co_await start_tls();
    } else if (const auto* stop = std::get_if<StopTls>(&action)) {
        replies_.add(stop->reply);
        co_await stop_tls();
    } else if (const auto* enrol = std::get_if<EnrolKey>(&action)) {
        ipc::EnrolSessionKey question{0, *login_, enrol->key, enrol->lifetime_seconds};
        const auto answer = co_await services_.auth.ask<ipc::EnrolAnswer>(std::move(question));
        replies_.add(session_.on_key_enrolled(answer.value_or(ipc::EnrolAnswer{})));
    } else if (const auto* end = std::get_if<EndKey>(&action)) {
        ipc::EndSessionKey question{0, *login_, !end->session.has_value(),
                                    end->session.value_or(SessionId{})};
        const auto answer = co_await services_.auth.ask<ipc::EndAnswer>(std::move(question));
        replies_.add(answer ? session_.on_key_ended(*answer)
                            : Reply{451, "The login service is away; try again."});
    } else if (std::holds_alternative<ListKeys>(action)) {
        ipc::ListSessionKeys question{0, *login_};
        const auto answer = co_await services_.auth.ask<ipc::ListAnswer>(std::move(question));
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
    if (answer && answer->status == ipc::LoginStatus::granted) outcome = begin_session(*answer);
    if (answer && answer->status == ipc::LoginStatus::limited) outcome = LoginOutcome::limited;
    Action reply = session_.on_login(outcome, answer ? answer->retry_seconds : 0);
    forget_login_if_over();
    perform_at_once(reply);
}

LoginOutcome Connection::begin_session(const ipc::LoginAnswer& answer)
{
    login_ = answer.login;
    open_home(answer);
    if (!home_) return LoginOutcome::homeless;
    const std::string& user = session_.user();
    if (!services_.admission.log_in(id_, user)) {
        services_.log.trouble(EventLog::Trouble::too_many_sessions, "limit-hit",
                              {{"limit", setting_name(Bound::sessions_per_user)},
                               {"id", id_},
                               {"user", user},
                               {"peer", peer_text(peer_)}});
        return LoginOutcome::too_many_sessions;
    }
    patience_.logged_in();
    services_.log.event("session-began", {{"id", id_},
                                          {"user", user},
                                          {"peer", peer_text(peer_)},
                                          {"version", stream_.tls_version_name()},
                                          {"cipher", stream_.tls_cipher_name()}});
    return LoginOutcome::granted;
}

void Connection::open_home(const ipc::LoginAnswer& answer)
{
    auto home = services_.tree.open_home(answer.home);
    if (!home) {
        log_event("home-unusable", {{"home", answer.home}, {"error", home.error().message()}});
        return;
    }
    home_ = working_directory_ = std::move(*home);
}

// ---- directories

void Connection::change_directory(const RemotePath& path)
{
    auto opened = services_.tree.open(home_, path);
    if (opened) working_directory_ = std::move(*opened);
    replies_.add(session_.on_directory_changed(path, opened ? error_code{} : opened.error()));
}

void Connection::make_directory(const MakeDirectory& request)
{
    const auto made = request.in_working_directory
                          ? services_.tree.make_in(working_directory_, request.path.name())
                          : services_.tree.make(home_, request.path);
    const Reply reply = session_.on_directory_made(request.path, made ? error_code{} : made.error());
    if (made) {
        log_directory(request.path);
        return add_durably(reply, made->parents);
    }
    if (made.error() == Errc::directory_exists && !request.path.is_home()) return add_found(reply, request);
    replies_.add(reply);
}

// 521 tells who asks again after a lost reply or a 451 that the directory is there, so it must be on disk,
// too.
void Connection::add_found(const Reply& reply, const MakeDirectory& request)
{
    if (request.in_working_directory) return add_durably(reply, {working_directory_});
    const auto parent = services_.tree.open(home_, request.path.parent());
    parent ? add_durably(reply, {*parent}) : replies_.add(reply);
}

void Connection::make_path(const MakePath& request)
{
    const auto made = services_.tree.make_with_parents(home_, request.path);
    const Reply reply =
        session_.on_path_made(request.path, made && made->anything, made ? error_code{} : made.error());
    if (made && made->anything) log_directory(request.path);
    made ? add_durably(reply, made->parents) : replies_.add(reply);
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
