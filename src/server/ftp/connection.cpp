#include "server/ftp/connection.hpp"

#include "server/ftp/commands/server_time.hpp"
#include "server/transport/tls/tls_role.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds turn_time{1};           // of one connection before the others get theirs
constexpr std::chrono::milliseconds longest_gathering{250}; // of replies, while commands are carried out
constexpr std::size_t worth_another_look = 8; // replies: a client of so many commands may have sent more
constexpr std::size_t most_last_bytes = std::size_t{1} << 20U; // read at the end, so that replies arrive

constexpr const char* alpn_control = "\3ftp"; // as it travels: a length and the name (RFC 7301 §3.1)

// One function of several, for std::visit.
template <class... Functions>
struct Overloaded : Functions... {
    using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>; // which Clang 14 needs

} // namespace

Connection::Connection(Reactor& reactor, std::span<ReactorContext> contexts, UniqueFd socket,
                       const ipc::PeerAddress& peer, ConnectionId id)
    : session_{contexts[reactor.index()].realm}, client_{reactor, contexts, std::move(socket),
                                                         peer,    id,       session_},
      directories_{client_, session_}, facts_{client_, directories_}, logins_{client_, session_, directories_,
                                                                              *this},
      transfers_{client_,
                 session_,
                 directories_,
                 {lines_, rate_, [this](const Result<std::size_t>& received) { take(received); }}}
{}

asio::awaitable<Reactor*> Connection::run()
{
    if (!std::exchange(begun_, true)) {
        client_.log.connected();
        if (client_.stage.is_serving()) client_.answer(Session::greeting());
        if (client_.stage.is_serving()) co_await client_.flush();
    }
    if (Reactor* const nearer = co_await serve()) co_return nearer;
    co_await finish();
    client_.log.ended(client_.stage.reason(), logins_.in_force());
    co_return nullptr;
}

asio::awaitable<Reactor*> Connection::serve()
{
    while (client_.stage.is_serving()) {
        if (Reactor* const nearer = nearer_reactor()) co_return nearer;
        co_await receive();
        co_await handle_lines();
        if (client_.stage.may_wait()) co_await client_.flush();
        const std::uint64_t answered =
            client_.log.commands() - std::exchange(answered_, client_.log.commands());
        if (answered > 0) client_.deadlines.command_answered(Clock::now());
        one_at_a_time_ = answered == 1;
        lines_.release_if_empty();
    }
    co_return nullptr;
}

// One to move to, if nothing is under way. A client that does not wait for each reply gains little by it.
Reactor* Connection::nearer_reactor()
{
    const bool idle =
        lines_.pending() == 0 && client_.replies.empty() && !client_.stream.has_unsent() && transfers_.idle();
    return idle && one_at_a_time_
               ? client_.reactor->on_processor(processor_.look(client_.stream.descriptor()))
               : nullptr;
}

void Connection::leave()
{
    logins_.leave();
    client_.leave();
}

void Connection::arrive(Reactor& reactor)
{
    client_.arrive(reactor);
    session_.set_realm(client_.context->realm);
    logins_.arrive();
}

// ---- commands

// Waits for bytes from the client, and takes them.
asio::awaitable<void> Connection::receive()
{
    client_.deadlines.wait(Deadlines::For::command, Clock::now());
    const auto [failure] = co_await client_.stream.until_readable();
    client_.deadlines.wait(Deadlines::For::nothing, Clock::now());
    if (client_.stage.is_serving()) take(failure ? failure : client_.stream.read_now(lines_.room()));
}

// A client with many commands in flight has often sent more while these were carried out. Answering them
// together costs less.
bool Connection::receive_more()
{
    if (client_.replies.count() < worth_another_look) return false;
    const auto received = client_.stream.read_more_now(lines_.room());
    take(received);
    return received.has_value();
}

// The client's bytes, or why nothing more comes.
void Connection::take(const Result<std::size_t>& received)
{
    if (received) {
        lines_.received(*received);
        arrived_ = Clock::now();
        directories_.set_arrival(arrived_);
    } else if (received.error() != asio::error::would_block) {
        const bool closed = received.error() == asio::error::eof;
        client_.stage.input_ended(closed ? "closed by the client" : in_words(received.error()));
    }
}

// Why the stream failed: for TLS, in OpenSSL's words.
std::string Connection::in_words(const error_code& failure) const
{
    const std::string& tls_error = client_.stream.tls_error();
    return tls_error.empty() ? failure.message() : tls_error;
}

// Carries out the commands at hand. The replies gather, up to those that are left to serve().
asio::awaitable<void> Connection::handle_lines()
{
    auto now = Clock::now();
    auto turn_end = now + turn_time;
    auto gathering_end = now + longest_gathering;
    while (client_.stage.is_serving()) {
        // protection: turn-time
        if (now > turn_end) {
            end_turn();
            co_await client_.yield();
            now = Clock::now();
            turn_end = now + turn_time;
        }
        const LineBuffer::Line line = lines_.next(); // valid until lines_ is used
        if (line.status == LineBuffer::Status::need_more) {
            if (!receive_more()) break;
            now = Clock::now();
            continue;
        }
        const auto too_fast_by = rate_.take(client_.context->settings.max_commands_per_second, now);
        if (too_fast_by > Clock::duration::zero()) co_await slow_down(too_fast_by);
        if (!client_.stage.is_serving()) break;
        Action action = act_on(line);
        logins_.forget_if_over();
        if (!session_.logged_in()) transfers_.drop();
        co_await perform(action);
        now = Clock::now();
        // protection: gathering
        if (client_.replies.full() || now > gathering_end) {
            co_await client_.flush();
            now = Clock::now();
            gathering_end = now + longest_gathering;
        }
    }
    end_turn();
}

void Connection::end_turn()
{
    // protection: forgotten-parents
    directories_.forget_recent();
    client_.reactor->log().put_into_words();
}

// Nothing is read meanwhile, so that the client's own buffers fill and it waits, too.
asio::awaitable<void> Connection::slow_down(Clock::duration time)
{
    client_.log.too_fast();
    const bool sent = co_await client_.flush();
    if (sent && client_.stage.is_serving()) co_await client_.pause(time);
}

Action Connection::act_on(const LineBuffer::Line& line)
{
    client_.log.command_taken();
    switch (line.status) {
    case LineBuffer::Status::too_long:
        return session_.on_line_too_long();
    case LineBuffer::Status::endless:
        return session_.on_endless_line();
    default:
        return session_.on_line(line.text);
    }
}

// An action that is not in this list does not compile.
asio::awaitable<void> Connection::perform(Action& action)
{
    return std::visit(Overloaded{
                          [this](Reply& reply) { return answer(std::move(reply)); },
                          [this](LastReply& last) { return answer_last(std::move(last)); },
                          [this](StartTls& start) { return start_tls(std::move(start)); },
                          [this](StopTls& stop) { return stop_tls(std::move(stop)); },
                          [this](LogInByPassword& login) { return logins_.log_in(std::move(login)); },
                          [this](LogInByPrehash& login) { return logins_.log_in(std::move(login)); },
                          [this](LogInBySessionKey& login) { return logins_.log_in(std::move(login)); },
                          [this](EnrolKey& enrol) { return logins_.enrol(enrol); },
                          [this](EndKey& end) { return logins_.end_key(end); },
                          [this](ListKeys& list) { return logins_.list_keys(list); },
                          [this](ChangeDirectory& change) { return directories_.change(std::move(change)); },
                          [this](MakeDirectory& make) { return directories_.make(std::move(make)); },
                          [this](MakePath& make) { return directories_.make(std::move(make)); },
                          [this](OpenPassivePort& open) { return transfers_.open_port(open); },
                          [this](SendListing& send) { return transfers_.send(std::move(send)); },
                          [this](AbortTransfer& abort) { return transfers_.abort(abort); },
                          [this](ShowFacts& request) { return facts_.show(std::move(request)); },
                          [this](ShowStatus& request) { return facts_.show(std::move(request)); },
                          [this](ShowSize& request) { return facts_.show(std::move(request)); },
                          [this](ShowModified& request) { return facts_.show(std::move(request)); },
                          [this](ListTree& request) { return facts_.list(std::move(request)); },
                          [this](TellTime&) { return tell_time(); },
                      },
                      action);
}

asio::awaitable<void> Connection::answer(Reply reply)
{
    client_.answer(reply);
    co_return;
}

asio::awaitable<void> Connection::answer_last(LastReply last)
{
    client_.answer_last(last);
    co_return;
}

asio::awaitable<void> Connection::tell_time()
{
    client_.answer(Session::on_time(server_time(client_.context->settings.time_source, arrived_)));
    co_return;
}

// ---- TLS

asio::awaitable<void> Connection::start_tls(StartTls start)
{
    // Bytes behind AUTH TLS came in clear, and an attacker could have put them there (CVE-2011-0411).
    // protection: bytes-behind-auth-tls
    if (lines_.pending() > 0) {
        client_.log.bytes_before_tls();
        client_.replies.take({});
        client_.stage.close("bytes behind AUTH TLS");
        co_return;
    }
    client_.answer(start.reply);
    const bool sent = co_await client_.flush();
    if (!sent) co_return;
    client_.deadlines.wait(Deadlines::For::handshake, Clock::now());
    // The tickets are for data connections.
    const TlsRole role{.kind = TlsRole::Kind::control,
                       .control_connection = random_tls_role_id(),
                       .tickets = 2,
                       .alpn = alpn_control};
    const error_code failure = co_await client_.stream.start_tls(client_.context->tls, role);
    client_.deadlines.wait(Deadlines::For::nothing, Clock::now());
    if (failure) {
        client_.stage.input_ended(in_words(failure));
        client_.log.tls_failed(client_.stage.reason());
        co_return;
    }
    client_.log.tls_began(client_.stream);
    session_.on_tls(client_.stream.tls_version());
}

asio::awaitable<void> Connection::stop_tls(StopTls stop)
{
    client_.answer(stop.reply);
    const bool sent = co_await client_.flush();
    if (!sent) co_return;
    lines_ = LineBuffer{}; // bytes pipelined behind REIN belonged to the TLS session
    const error_code failure = co_await client_.stream.stop_tls();
    if (failure) client_.stage.input_ended(in_words(failure));
}

// ---- the end

void Connection::end(std::string_view why)
{
    client_.stage.end({421, std::string{why}});
    client_.deadlines.hurry(Clock::now());
    if (client_.may_be_told() || client_.pauses()) client_.wake();
}

void Connection::end_at_once(std::string_view why)
{
    client_.stage.end_at_once({421, std::string{why}});
    client_.wake();
}

void Connection::end_if_overdue(Clock::time_point now)
{
    transfers_.end_if_overdue(now);
    Deadlines& deadlines = client_.deadlines;
    const std::uint64_t sent = client_.stream.bytes_sent();
    if (sent != std::exchange(sent_before_, sent)) deadlines.client_took_something(now);
    // The next read says it of one that waits for a command.
    if (client_.stream.is_reset() && !deadlines.waits(Deadlines::For::command))
        return cut_off("reset by the client");
    const auto limit = deadlines.exceeded(client_.context->settings, now);
    if (!limit) return;
    if (*limit == TimeLimit::auth) return client_.wake();
    if (deadlines.waits(Deadlines::For::file_system)) return leave_file_system();
    if (!client_.may_be_told() || *limit == TimeLimit::last_reply) return cut_off(setting_name(*limit));
    end(*limit == TimeLimit::idle ? "Idle for too long; closing." : "No login in time; closing.");
}

// It does not take its replies, does not finish the handshake, or is gone.
void Connection::cut_off(std::string_view reason)
{
    client_.stage.cut_off(reason);
    client_.wake();
}

// A hanging job goes on hanging without this connection.
void Connection::leave_file_system()
{
    client_.log.file_system_abandoned();
    end("The file system does not answer; closing.");
    client_.wake();
}

asio::awaitable<void> Connection::finish()
{
    if (client_.stage.last_reply()) client_.answer(*client_.stage.last_reply());
    if (client_.stage.may_wait()) co_await client_.flush();
    client_.flush_without_waiting();
    client_.stream.finish_sending();
    // The client gets the time that it needs to take the last reply. Closing a socket with unread bytes would
    // reset the connection and lose the reply.
    if (client_.stage.may_linger()) {
        client_.deadlines.wait(Deadlines::For::last_reading, Clock::now());
        co_await client_.stream.discard_to_end(most_last_bytes);
    }
    client_.stream.close();
}

} // namespace ftpc::server
