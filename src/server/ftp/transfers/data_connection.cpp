#include "server/ftp/transfers/data_connection.hpp"

#include "server/event_loop/use_awaitable.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_drained_at_once = std::size_t{64} * 1024;

} // namespace

DataConnection::DataConnection(EventLoop& loop, Protection protection)
    : loop_{loop}, protection_{std::move(protection)}, connected_{loop}
{}

Result<std::shared_ptr<DataConnection>> DataConnection::expect(EventLoop& loop, PassivePorts& ports,
                                                               const ipc::PeerAddress& local,
                                                               const ipc::PeerAddress& peer,
                                                               Protection protection)
{
    auto connection = std::make_shared<DataConnection>(loop, std::move(protection));
    auto reserved =
        ports.reserve(local, peer, [keeper = connection->connected_.keeper()](UniqueFd socket) mutable {
            keeper.keep(std::move(socket), [](const UniqueFd&) {});
        });
    if (!reserved) return reserved.error();
    connection->port_ = ports.number_of(*reserved);
    connection->reservation_.emplace(std::move(*reserved));
    asio::co_spawn(loop.io(), run(connection), asio::detached);
    return connection;
}

asio::awaitable<void> DataConnection::run(std::shared_ptr<DataConnection> self)
{
    if (!self->outcome_) self->finish(co_await self->serve());
    // protection: failed-transfer-reset
    if (self->stream_ && self->outcome_->end != End::sent) self->stream_->reset();
}

asio::awaitable<DataConnection::Outcome> DataConnection::serve()
{
    auto socket = co_await connected_.wait();
    if (!socket) co_return Outcome{End::not_connected};
    reservation_.reset();
    enter(Stage::handshake);
    stream_.emplace(loop_, std::move(*socket));
    const error_code failure = co_await stream_->start_tls(protection_.context, protection_.role);
    if (failure) co_return Outcome{End::tls_failed, failure, stream_->tls_error()};
    // protection: data-resumption
    if (protection_.must_resume && !stream_->resumed_session()) co_return Outcome{End::not_resumed};
    enter(Stage::ready);
    if (!outcome_ && !source_) co_await ordered_.wait();
    if (outcome_) co_return *outcome_;
    co_return co_await send_all();
}

asio::awaitable<DataConnection::Outcome> DataConnection::send_all()
{
    for (bool more = true; more && !outcome_;) {
        enter(Stage::reading);
        const auto piece = co_await source_->next();
        if (!piece) co_return Outcome{End::source_failed, piece.error()};
        if (outcome_) break;
        enter(Stage::sending);
        const error_code failure = co_await stream_->write_all(piece->bytes);
        if (failure) co_return Outcome{End::cut, failure, stream_->tls_error()};
        more = !piece->last;
    }
    if (outcome_) co_return *outcome_;
    const error_code failure = co_await stream_->end_sending();
    if (failure) co_return Outcome{End::cut, failure, stream_->tls_error()};
    co_return Outcome{End::sent};
}

void DataConnection::enter(Stage stage)
{
    stage_ = stage;
    since_ = Clock::now();
}

void DataConnection::send(std::unique_ptr<TransferSource> source, std::function<void()> on_end)
{
    source_ = std::move(source);
    on_end_ = std::move(on_end);
    ordered_.go_on();
}

// The first outcome counts.
void DataConnection::finish(Outcome outcome)
{
    if (outcome_) return;
    outcome_ = std::move(outcome);
    since_ = Clock::now();
    reservation_.reset();
    if (const auto on_end = std::exchange(on_end_, nullptr)) on_end();
}

void DataConnection::abort(End why)
{
    if (outcome_) return;
    finish({why});
    connected_.cancel();
    ordered_.cancel(loop_);
    if (source_) source_->cancel();
    if (stream_) stream_->cancel();
}

void DataConnection::end_if_overdue(const Settings& settings, Clock::time_point now)
{
    if (outcome_) return;
    const std::uint64_t sent = stream_ ? stream_->bytes_sent() : 0;
    if (sent != std::exchange(sent_before_, sent)) since_ = now;
    const auto waits = now - since_;
    switch (stage_) {
    case Stage::expected:
        if (waits >= connect_time) abort(End::not_connected);
        return;
    case Stage::handshake:
        if (waits >= settings.tls_timeout) abort(End::tls_failed);
        return;
    case Stage::ready:
        if (waits >= settings.idle_timeout) abort(End::stalled);
        return;
    case Stage::reading:
        if (waits >= settings.idle_timeout) abort(End::source_failed);
        return;
    case Stage::sending:
        // protection: transfer-timeout
        if (waits >= settings.transfer_timeout) abort(End::stalled);
        return;
    }
}

bool DataConnection::is_drained(Clock::time_point now)
{
    if (!stream_) return true;
    // protection: drained-before-closed
    if (!stream_->discard_now(most_drained_at_once) && now - since_ < drain_time) return false;
    stream_->close();
    stream_.reset();
    return true;
}

} // namespace ftpc::server
