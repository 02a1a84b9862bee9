#include "server/net/connection.hpp"

#include "server/log.hpp"
#include "shared/error.hpp"

#include <boost/asio.hpp>

#include <array>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr auto use_awaitable = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds turn_time{2};  // of one connection before the others get theirs
constexpr std::chrono::seconds last_words_time{2}; // for the client to take its last reply

namespace {

ipc::PeerAddress peer_address(const asio::ip::address& address)
{
    return address.is_v6() ? address.to_v6().to_bytes()
                           : asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes();
}

std::string peer_text(const ipc::PeerAddress& peer)
{
    const asio::ip::address_v6 address{peer};
    return address.is_v4_mapped() ? asio::ip::make_address_v4(asio::ip::v4_mapped, address).to_string()
                                  : address.to_string();
}

// An event in which the connection's coroutine waits for another thread.
struct CommitWait {
    asio::steady_timer done;
    error_code result;
};

} // namespace

Connection::Connection(Services& services, asio::ip::tcp::socket socket, const asio::ip::tcp::endpoint& peer)
    : services_{services}, stream_{std::move(socket)}, peer_{peer_address(peer.address())},
      session_{services.auth.realm()}, deadline_{Clock::now() + services.settings.login_timeout}
{
    services_.connections.insert(this);
}

Connection::~Connection()
{
    services_.connections.erase(this);
    if (login_) services_.auth.tell({*login_});
}

void Connection::end(Reply reply)
{
    if (!ending_) ending_ = std::move(reply);
    deadline_ = std::min(deadline_, Clock::now() + last_words_time);
    if (reading_) stream_.cancel();
}

void Connection::end_if_overdue(Clock::time_point now)
{
    if (now < deadline_) return;
    if (ending_ || over_ || !reading_) {
        stream_.cancel(); // it does not take its replies, or does not finish the handshake
        over_ = true;
        return;
    }
    end({421, session_.logged_in() ? "Idle for too long; closing." : "No login in time; closing."});
}

asio::awaitable<void> Connection::run()
{
    replies_.add(Session::greeting());
    // Not in the condition itself: GCC 12.2 lays out such a coroutine's frame wrongly (GCC bug 106188).
    const bool greeted = co_await flush();
    if (greeted) co_await serve();
    co_await finish();
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
    extend_deadline();
    reading_ = true;
    const error_code idle_end = co_await stream_.wait_until_readable();
    Result<std::size_t> got = idle_end;
    if (!idle_end) got = co_await stream_.read_some(lines_.room());
    reading_ = false;
    if (!got && !ending_) over_ = true;
    if (!got || ending_) co_return false;
    lines_.received(*got);
    co_return true;
}

void Connection::extend_deadline()
{
    if (session_.logged_in()) deadline_ = Clock::now() + services_.settings.idle_timeout;
}

asio::awaitable<void> Connection::handle_lines()
{
    auto turn_ends = Clock::now() + turn_time;
    while (!over_ && !ending_) {
        const LineBuffer::Line line = lines_.next();
        if (line.status == LineBuffer::Status::need_more) break;
        if (Clock::now() > turn_ends) {
            co_await asio::post(services_.io, use_awaitable);
            turn_ends = Clock::now() + turn_time;
        }
        Action action = act_on(line);
        forget_login_if_over();
        if (!perform_at_once(action)) co_await perform(std::move(action));
        if (replies_.full()) {
            const bool sent = co_await flush();
            if (!sent) co_return;
        }
    }
    co_await flush();
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
    const error_code failure = co_await stream_.write_all(text);
    if (failure) over_ = true;
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
    over_ = true;
}

// The last reply, and the time that the client needs to take it: closing a socket that has unread bytes would
// reset the connection and with it the reply.
asio::awaitable<void> Connection::finish()
{
    if (ending_) {
        replies_.add(*ending_);
        over_ = true;
    }
    if (!replies_.empty()) co_await flush();
    stream_.finish_sending();
    deadline_ = std::min(deadline_, Clock::now() + last_words_time);
    std::array<char, 4096> discarded;
    std::size_t left = LineBuffer::max_skipped_bytes;
    while (left > 0 && Clock::now() < deadline_) {
        const auto got = co_await stream_.read_some(discarded);
        if (!got) break;
        left -= std::min(left, *got);
    }
    stream_.close();
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
        log_event("bytes-before-tls", {{"peer", peer_text(peer_)}});
        replies_.take({});
        over_ = true;
        co_return;
    }
    const bool sent = co_await flush();
    if (!sent) co_return;
    const error_code failure = co_await stream_.start_tls(services_.tls);
    if (failure) {
        log_event("tls-failed",
                  {{"peer", peer_text(peer_)},
                   {"error", stream_.tls_error().empty() ? failure.message() : stream_.tls_error()}});
        over_ = true;
        co_return;
    }
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
    if (answer && answer->status == ipc::LoginStatus::granted) {
        login_ = answer->login;
        open_home(*answer);
        outcome = home_ ? LoginOutcome::granted : LoginOutcome::homeless;
    }
    Action reply = session_.on_login(outcome);
    forget_login_if_over();
    perform_at_once(reply);
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
    if (made) return add_durably(reply, made->parents);
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
    made ? add_durably(reply, made->parents) : replies_.add(reply);
}

void Connection::add_durably(const Reply& reply, const std::vector<Directory>& parents)
{
    if (services_.settings.durability == Durability::group)
        replies_.add_when_synced(reply, parents);
    else
        replies_.add(reply);
}

} // namespace ftpc::server
