// One client: reads lines, lets the session decide, acts on the tree, on auth and on TLS, sends the replies.
#pragma once

#include "server/ftp/reply_batch.hpp"
#include "server/ftp/services.hpp"
#include "server/ftp/session.hpp"
#include "server/ftp/workplace.hpp"
#include "server/ipc/messages.hpp"
#include "server/transport/command_rate.hpp"
#include "server/transport/counted.hpp"
#include "server/transport/loop_promise.hpp"
#include "server/transport/patience.hpp"
#include "server/transport/stream.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/protocol/line_buffer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>

namespace ftpc::server {

// Used on the thread of its reactor; where it is made does not matter.
class Connection final : private SocketReader {
public:
    using Clock = std::chrono::steady_clock;

    // `socket`: one that does not block.
    Connection(Services& services, UniqueFd socket, const ipc::PeerAddress& peer, ConnectionId id);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    // Serves the client until either side ends the connection. One of its reactor's connections from then on.
    boost::asio::awaitable<void> run();

    // Ends the connection once the command under way is answered, with `reply` as the last word. What waits
    // for auth is not answered.
    void end(Reply reply);

    // Ends a connection that is not logged in now, to make room: `reply` is sent as far as it can be without
    // waiting.
    void end_at_once(Reply reply);

    // Ends it if it has kept nobody but itself waiting for too long, or if its client is gone. To be called
    // about once a second.
    void end_if_overdue(Clock::time_point now);

    const std::optional<ipc::LoginHandle>& login() const { return login_; }
    const ipc::PeerAddress& peer() const { return peer_; }

    // Another limit of the user who is logged in: any number of directories (0), or what the setting says
    // (none).
    void set_max_dirs(std::optional<std::uint64_t> max_dirs) { own_max_dirs_ = max_dirs; }

private:
    // What has to be waited for before the next command.
    struct OthersTurn {};
    struct TooFast {
        Clock::duration by;
        LineBuffer::Line line; // that comes next then; valid until lines_ is used
    };
    struct Unsent {}; // replies, or what TLS itself has to say
    using Obstacle = std::variant<std::monostate, OthersTurn, TooFast, Unsent, Action>;

    boost::asio::awaitable<void> serve();
    bool on_readable() override;
    bool read_and_handle();
    void handle_what_is_left();
    bool handle_read(const Result<std::size_t>& received, Clock::time_point turn_end);
    std::span<char> room();
    void finish_turn(Clock::time_point turn_end);
    void take(const Result<std::size_t>& received, Clock::time_point now);
    std::string in_words(const error_code& failure) const;
    Obstacle handle_lines(Clock::time_point end, Clock::time_point now);
    Obstacle handle_lines_until(Clock::time_point end, Clock::time_point now);
    Obstacle handle(const LineBuffer::Line& line);
    boost::asio::awaitable<void> overcome(Obstacle obstacle);
    void leave_memory();
    bool is_stopped() const { return obstacle_.index() != 0; }
    bool goes_on() const { return !is_stopped() && !over_ && !ending_; }
    boost::asio::awaitable<bool> flush();
    bool flush_at_once();
    boost::asio::awaitable<error_code> synced();
    boost::asio::awaitable<void> slow_down(Clock::duration time);
    boost::asio::awaitable<void> finish();
    boost::asio::awaitable<void> drain();

    Action act_on(const LineBuffer::Line& line);
    bool perform_at_once(Action& action);
    boost::asio::awaitable<void> perform(Action action);
    boost::asio::awaitable<void> start_tls();
    boost::asio::awaitable<void> stop_tls();
    template <class Answer>
    boost::asio::awaitable<std::optional<Answer>> ask(ipc::Request question);
    boost::asio::awaitable<void> log_in(Action action);
    boost::asio::awaitable<LoginOutcome> begin_session(ipc::LoginAnswer answer);
    boost::asio::awaitable<LoginOutcome> enter_home(std::string home);
    void forget_login_if_over();

    // Waits for what comes from another thread, but no longer than the connection lasts: wake() ends it.
    template <class Value>
    boost::asio::awaitable<std::optional<Value>> wait_for(LoopPromise<Value>& promise)
    {
        if (cut_off_) co_return std::nullopt;
        leave_wait_ = [&promise] { promise.cancel(); };
        auto value = co_await promise.wait();
        leave_wait_ = nullptr;
        co_return value;
    }

    // What a worker came back with; no value: it was not taken, or the connection did not wait for it.
    template <class Value>
    struct HandedOver {
        error_code failure;
        std::optional<Value> value;
    };
    template <class Work, class Late>
    auto hand_over(Workers::Lane lane, Work work, Late late)
        -> boost::asio::awaitable<HandedOver<decltype(work())>>;

    bool change_directory(const RemotePath& path);
    boost::asio::awaitable<void> change_directory_in_worker(RemotePath path);
    void on_directory_opened(const RemotePath& path, Result<Directory> opened);
    template <class Request>
    bool make(Request& request);
    template <class Request>
    boost::asio::awaitable<void> make_in_worker(Request request);
    template <class Request>
    boost::asio::awaitable<Carried> made_in_worker(const Request& request, Effort effort);
    void on_made(const MakeDirectory& request, const Carried& carried);
    void on_made(const MakePath& request, const Carried& carried);
    void add_outcome(const Reply& reply, const RemotePath& path, const Carried& carried);
    void add_durably(const Reply& reply, const Parents& parents);
    TreeSync* sync() const;
    static void sync_unawaited(Services& services, Parents parents);

    void say_last(Reply reply);
    bool may_be_told() const;
    void cut_off(std::string_view reason);
    void leave_file_system();
    void wake();
    void log_directories(const RemotePath& path, const Made& made);
    static void log_made(Services& services, ConnectionId id, std::string_view user, const RemotePath& path,
                         const Made& made);
    void log_refusal(const RemotePath& path, error_code failure);
    void log_quota();
    void log_end();

    Services& services_;
    Stream stream_;
    ipc::PeerAddress peer_;
    Session session_;
    LineBuffer lines_;
    ReplyBatch replies_;
    std::optional<ipc::LoginHandle> login_;
    error_code home_failure_; // why the home of the login that was checked last cannot be used
    Workplace place_;
    Made begun_;                                // of a path that a worker is to go on with
    std::optional<std::uint64_t> own_max_dirs_; // of the user; none: the setting's
    HomeQuota::Clock::time_point asked_;        // when the commands at hand came
    Obstacle obstacle_;                         // that on_readable() has come to
    std::exception_ptr failure_;                // that it has met with
    std::optional<Reply> ending_;               // why the server ends this connection
    ConnectionId id_;
    Patience patience_;
    CommandRate rate_;
    boost::asio::steady_timer* slowed_ = nullptr; // until its next command may be carried out
    std::function<void()> leave_wait_;            // for what comes from elsewhere: waits for it no longer
    std::uint64_t sent_before_ = 0;               // when the deadlines were looked at last
    std::optional<Counted> stranger_;             // while it is not logged in
    bool listed_ = false;                         // among the reactor's connections
    bool over_ = false;                           // nothing more is read
    bool cut_off_ = false;                        // and nothing is waited for any more
    bool input_ended_ = false;                    // by the client; or TLS cannot make sense of it
    bool write_failed_ = false;
    // for the log
    bool told_of_quota_ = false;
    Clock::time_point began_ = Clock::now();
    std::uint64_t commands_ = 0;
    std::uint64_t answered_ = 0; // of these
    std::uint64_t directories_ = 0;
    std::string end_reason_;
};

} // namespace ftpc::server
