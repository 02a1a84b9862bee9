// The life of one data connection (RFC 959 §3.2, RFC 4217 §9). It is expected on a passive port, makes its
// TLS handshake, sends all that a source gives, and ends. It lives on the loop of its control connection.
#pragma once

#include "server/config/settings.hpp"
#include "server/event_loop/event_loop.hpp"
#include "server/event_loop/loop_promise.hpp"
#include "server/event_loop/waiter.hpp"
#include "server/passive/passive_ports.hpp"
#include "server/transport/tls/stream.hpp"
#include "shared/base/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace ftpc::server {

// The bytes of one transfer, in pieces.
class TransferSource {
public:
    TransferSource() = default;
    TransferSource(const TransferSource&) = delete;
    TransferSource& operator=(const TransferSource&) = delete;
    virtual ~TransferSource() = default;

    struct Piece {
        std::string bytes;
        bool last = false;
    };
    virtual boost::asio::awaitable<Result<Piece>> next() = 0;

    // Ends the wait for a piece that is under way.
    virtual void cancel() = 0;
};

class DataConnection : public std::enable_shared_from_this<DataConnection> {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds connect_time{20};
    static constexpr std::chrono::seconds drain_time{5};

    enum class End {
        sent,          // all of it, with close_notify
        not_connected, // in time
        tls_failed,
        not_resumed,   // the TLS session of the control connection, as it must
        source_failed, // with the failure
        cut,           // by the client
        stalled,       // the client took nothing for too long
        aborted,       // by a command, or with the control connection
    };
    struct Outcome {
        End end;
        error_code failure{};
        std::string words{}; // of OpenSSL
    };

    // How it is protected: as its control connection.
    struct Protection {
        TlsContext context;
        TlsRole role;
        bool must_resume = false;
    };

    // A port is reserved from now on. Fails as PassivePorts::reserve.
    static Result<std::shared_ptr<DataConnection>> expect(EventLoop& loop, PassivePorts& ports,
                                                          const ipc::PeerAddress& local,
                                                          const ipc::PeerAddress& peer,
                                                          Protection protection);

    // By expect() alone.
    DataConnection(EventLoop& loop, Protection protection);

    std::uint16_t port() const { return port_; }

    // Sends all of `source`; `on_end` is called once, when there is an outcome.
    void send(std::unique_ptr<TransferSource> source, std::function<void()> on_end);

    const std::optional<Outcome>& outcome() const { return outcome_; }

    // Ends it with a reset, unless it has ended.
    void abort(End why);

    // Ends it if it keeps the server waiting for too long. To be called about once a second.
    void end_if_overdue(const Settings& settings, Clock::time_point now);

    // After all was sent: takes the client's last bytes, and closes once its end has come or drain_time is
    // over. True: it is closed. Closing earlier could reset the connection, and lose what the client has yet
    // to take.
    bool is_drained(Clock::time_point now);

private:
    enum class Stage { expected, handshake, ready, reading, sending };

    static boost::asio::awaitable<void> run(std::shared_ptr<DataConnection> self);
    boost::asio::awaitable<Outcome> serve();
    boost::asio::awaitable<Outcome> send_all();
    void enter(Stage stage);
    void finish(Outcome outcome);

    EventLoop& loop_;
    Protection protection_;
    LoopPromise<UniqueFd> connected_;
    std::optional<Reservation> reservation_;
    std::uint16_t port_ = 0;
    std::optional<Stream> stream_;
    Waiter ordered_; // for a source
    std::unique_ptr<TransferSource> source_;
    std::function<void()> on_end_;
    Stage stage_ = Stage::expected;
    Clock::time_point since_ = Clock::now(); // of the stage, of the last byte, or of the outcome
    std::uint64_t sent_before_ = 0;
    std::optional<Outcome> outcome_;
};

} // namespace ftpc::server
