// The life of a connection: receiving, replies, TLS, deadlines, the end. What it does for its session is in
// connection_actions.cpp.
#include "server/ftp/connection.hpp"

#include "server/ipc/peer_text.hpp"
#include "server/log/log.hpp"

#include <boost/asio.hpp>

#include <array>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds turn_time{1}; // of one connection before the others get theirs
constexpr std::size_t worth_another_look = 8;     // replies: who has sent so many commands may have sent more
constexpr std::size_t most_last_bytes = std::size_t{1} << 20U; // read at the end, so that replies arrive

namespace {

// What one turn has looked up is of no use to the next, which may be seconds away.
struct ForgetAtEnd {
    explicit ForgetAtEnd(RecentParent& parent) : recent{parent} {}
    ~ForgetAtEnd() { recent.forget(); }
    ForgetAtEnd(const ForgetAtEnd&) = delete;
    ForgetAtEnd& operator=(const ForgetAtEnd&) = delete;
    RecentParent& recent;
};

} // namespace

Connection::Connection(Services& services, UniqueFd socket, const ipc::PeerAddress& peer, ConnectionId id)
    : services_{services}, stream_{services.poller, std::move(socket)}, peer_{peer}, session_{services.realm},
      id_{id}, patience_{Clock::now()}
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
    if (may_be_told() || slowed_ != nullptr) wake();
}

void Connection::end_at_once(Reply reply)
{
    if (!over_) ending_ = std::move(reply);
    over_ = cut_off_ = true;
    wake();
}

void Connection::end_if_overdue(Clock::time_point now)
{
    const std::uint64_t sent = stream_.bytes_sent();
    if (sent != std::exchange(sent_before_, sent)) patience_.client_took_something(now);
    // The next read says it of one that waits for a command.
    if (stream_.is_reset() && !patience_.waits(Patience::For::command)) return cut_off("reset by the client");
    const auto limit = patience_.exceeded(services_.settings, now);
    if (!limit) return;
    if (patience_.waits(Patience::For::file_system)) return leave_file_system();
    if (!may_be_told() || *limit == TimeLimit::last_words) return cut_off(setting_name(*limit));
    end({421, *limit == TimeLimit::idle ? "Idle for too long; closing." : "No login in time; closing."});
}

// Nothing is on its way to the client that a last reply would break into.
bool Connection::may_be_told() const
{
    return patience_.waits(Patience::For::command) || patience_.waits(Patience::For::auth);
}

// It does not take its replies, does not finish the handshake, or is gone.
void Connection::cut_off(std::string_view reason)
{
    if (end_reason_.empty()) end_reason_ = ending_ ? std::string_view{ending_->text} : reason;
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
    if (leave_wait_) leave_wait_();
}

asio::awaitable<void> Connection::run()
{
    listed_ = services_.connections.emplace(id_, this).second;
    stranger_.emplace(services_.strangers);
    services_.log.stranger("connected", {{"id", id_}, {"peer", peer_text(peer_)}});
    if (!over_) {
        replies_.add(Session::greeting());
        co_await flush();
        co_await serve();
    }
    co_await finish();
    log_end();
}

// In the steady state on_readable() does everything, and this coroutine waits. It goes on where something
// has to be waited for, and at the end.
asio::awaitable<void> Connection::serve()
{
    while (!over_ && !ending_) {
        patience_.wait(Patience::For::command, Clock::now());
        const auto [end] = co_await stream_.while_read_by(*this);
        if (failure_) std::rethrow_exception(failure_);
        if (end) take(end, Clock::now());
        while (is_stopped() && !over_ && !ending_) {
            co_await overcome(std::exchange(obstacle_, {}));
            if (goes_on()) handle_what_is_left();
        }
        leave_memory();
    }
}

bool Connection::on_readable()
{
    try {
        return read_and_handle();
    } catch (...) { // as if the coroutine itself had done it
        failure_ = std::current_exception();
        return false;
    }
}

bool Connection::read_and_handle()
{
    replies_.take_memory(services_.spare.replies);
    const auto turn_end = Clock::now() + turn_time;
    if (handle_read(stream_.read_at_once(room()), turn_end)) finish_turn(turn_end);
    if (goes_on() && stream_.has_unsent()) obstacle_ = Unsent{};
    if (!goes_on()) return false;
    patience_.wait(Patience::For::command, asked_);
    leave_memory();
    return stream_.all_read();
}

void Connection::handle_what_is_left()
{
    const auto now = Clock::now();
    obstacle_ = handle_lines(now + turn_time, now);
    finish_turn(now + turn_time);
}

// False where there was nothing to read.
bool Connection::handle_read(const Result<std::size_t>& received, Clock::time_point turn_end)
{
    if (!received && received.error() == asio::error::would_block) return false;
    const auto now = Clock::now();
    take(received, now);
    if (goes_on()) obstacle_ = handle_lines(turn_end, now);
    return true;
}

// Where the next bytes are read to.
std::span<char> Connection::room()
{
    return lines_.room(std::move(services_.spare.lines));
}

// A client that has many commands in flight has often sent more while these were carried out, and what is
// answered together costs less.
void Connection::finish_turn(Clock::time_point turn_end)
{
    bool reads = true;
    while (reads && goes_on() && replies_.count() >= worth_another_look)
        reads = handle_read(stream_.read_more_at_once(room()), turn_end);
    if (!goes_on()) return;
    if (!flush_at_once())
        obstacle_ = Unsent{};
    else if (std::exchange(answered_, commands_) != commands_)
        patience_.command_answered(Clock::now());
}

void Connection::leave_memory()
{
    if (auto memory = lines_.release_if_empty()) services_.spare.lines = std::move(memory);
    replies_.leave_memory(services_.spare.replies);
}

// What the client has sent, or why nothing more comes.
void Connection::take(const Result<std::size_t>& received, Clock::time_point now)
{
    patience_.wait(Patience::For::nothing, now);
    if (received) {
        lines_.received(*received);
        asked_ = now;
    } else if (!ending_) {
        over_ = input_ended_ = true;
        if (end_reason_.empty())
            end_reason_ =
                received.error() == asio::error::eof ? "closed by the client" : in_words(received.error());
    }
}

// Why the stream failed: where it was TLS, in the words that came with it.
std::string Connection::in_words(const error_code& failure) const
{
    return stream_.tls_error().empty() ? failure.message() : stream_.tls_error();
}

// Carries out the commands at hand, up to one for which something has to be waited. Of many replies the last
// are left to finish_turn().
Connection::Obstacle Connection::handle_lines(Clock::time_point end, Clock::time_point now)
{
    const ForgetAtEnd forget{services_.recent_parent};
    Obstacle obstacle = handle_lines_until(end, now);
    services_.log.put_into_words();
    return obstacle;
}

Connection::Obstacle Connection::handle_lines_until(Clock::time_point end, Clock::time_point now)
{
    for (; !over_ && !ending_; now = Clock::now()) {
        if (now > end) return OthersTurn{};
        const LineBuffer::Line line = lines_.next();
        if (line.status == LineBuffer::Status::need_more) break;
        const auto too_fast_by = rate_.take(services_.settings.max_commands_per_second, now);
        if (too_fast_by > Clock::duration::zero()) return TooFast{too_fast_by, line};
        Obstacle obstacle = handle(line);
        if (obstacle.index() != 0) return obstacle;
    }
    return {};
}

Connection::Obstacle Connection::handle(const LineBuffer::Line& line)
{
    ++commands_;
    Action action = act_on(line);
    forget_login_if_over();
    if (!perform_at_once(action)) return action;
    if (replies_.full() && !flush_at_once()) return Unsent{};
    return {};
}

asio::awaitable<void> Connection::overcome(Obstacle obstacle)
{
    if (auto* const action = std::get_if<Action>(&obstacle)) {
        co_await perform(std::move(*action));
    } else if (const auto* const too_fast = std::get_if<TooFast>(&obstacle)) {
        co_await slow_down(too_fast->by);
        const ForgetAtEnd forget{services_.recent_parent};
        if (!over_ && !ending_) obstacle_ = handle(too_fast->line);
    } else if (std::holds_alternative<Unsent>(obstacle)) {
        co_await flush();
    } else {
        co_await asio::post(services_.io, use_awaitable);
    }
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
    stranger_.emplace(services_.strangers);
    login_.reset();
    place_ = {};
}

// ---- replies

// Sends what has gathered, after the sync that it depends on, and waits for a client that takes nothing.
// False when it cannot be reached any more.
asio::awaitable<bool> Connection::flush()
{
    if (replies_.empty() && !stream_.has_unsent()) co_return true;
    const error_code sync_result = co_await synced();
    if (cut_off_) co_return false; // finish() says the rest
    if (sync_result) log_event("sync-failed", {{"error", sync_result.message()}});
    const std::string text = replies_.take(sync_result);
    patience_.wait(Patience::For::taking, Clock::now());
    const error_code failure = co_await stream_.write_all(text);
    patience_.wait(Patience::For::nothing, Clock::now());
    if (failure) over_ = write_failed_ = true;
    if (failure && end_reason_.empty()) end_reason_ = failure.message();
    co_return !failure;
}

// The same as far as nothing has to be waited for; false where flush() has something left to do.
bool Connection::flush_at_once()
{
    if (replies_.depends_on_sync()) return false;
    replies_.sent(stream_.write_at_once(replies_.text()));
    return replies_.empty();
}

asio::awaitable<error_code> Connection::synced()
{
    Parents parents = replies_.take_parents();
    if (parents.empty()) co_return error_code{};
    LoopPromise<error_code> on_disk{services_.io};
    services_.commits.commit(std::move(parents), [keeper = on_disk.keeper()](error_code result) mutable {
        keeper.keep(result, [](error_code) {});
    });
    const auto result = co_await wait_for(on_disk);
    co_return result.value_or(asio::error::operation_aborted);
}

// What was made is put on disk although nobody is told: others go on to work in it.
void Connection::sync_unawaited(Services& services, Parents parents)
{
    if (parents.empty() || services.settings.durability != Durability::group) return;
    services.commits.commit(std::move(parents), [](error_code) {});
}

void Connection::say_last(Reply reply)
{
    over_ = true;
    if (ending_) return; // that is the last word then
    replies_.add(reply);
    end_reason_ = std::move(reply.text);
}

asio::awaitable<void> Connection::finish()
{
    over_ = true;
    if (ending_) end_reason_ = ending_->text;
    if (ending_) replies_.add(*ending_);
    if (!cut_off_ && !replies_.empty()) co_await flush();
    if (cut_off_) sync_unawaited(services_, replies_.take_parents());
    if (cut_off_ && !write_failed_ && !replies_.empty()) { // for a sync nobody waits any more
        const error_code not_synced{ECANCELED, boost::system::system_category()};
        stream_.write_at_once(replies_.take(not_synced));
    }
    stream_.finish_sending();
    if (!cut_off_ && !input_ended_ && !write_failed_) co_await drain();
    stream_.close();
}

// Gives the client the time that it needs to take the last reply: closing a socket that has unread bytes
// would reset the connection and with it the reply.
asio::awaitable<void> Connection::drain()
{
    patience_.wait(Patience::For::last_reading, Clock::now());
    co_await stream_.discard_to_end(most_last_bytes);
}

// ---- TLS

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
        if (end_reason_.empty()) end_reason_ = in_words(failure);
        services_.log.stranger("tls-failed",
                               {{"id", id_}, {"peer", peer_text(peer_)}, {"error", end_reason_}});
        over_ = input_ended_ = true;
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
    if (failure) over_ = input_ended_ = true;
    if (failure && end_reason_.empty()) end_reason_ = in_words(failure);
}

// ---- the log

void Connection::log_end()
{
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began_).count();
    const std::string peer = peer_text(peer_);
    const EventLog::Fields fields{{"id", id_},
                                  {"peer", peer},
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
