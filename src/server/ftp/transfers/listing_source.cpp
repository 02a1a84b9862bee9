#include "server/ftp/transfers/listing_source.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds pause_for_workers{50};

Result<TransferSource::Piece> next_piece(Listing& listing)
{
    auto lines = listing.next(ListingSource::piece_bytes);
    if (!lines) return lines.error();
    return TransferSource::Piece{std::move(*lines), listing.at_end()};
}

} // namespace

asio::awaitable<Result<TransferSource::Piece>> ListingSource::next()
{
    if (first_) {
        Piece piece{std::move(*first_), listing_->at_end()};
        first_.reset();
        co_return piece;
    }
    LoopPromise<Result<Piece>> piece{loop_};
    auto read = [listing = listing_, keeper = piece.keeper()]() mutable {
        keeper.keep(next_piece(*listing), [](const Result<Piece>&) {});
    };
    // Too much waits for that file system: a transfer that has begun waits, too.
    while (!cancelled_ && !workers_.submit(lane_, read))
        co_await pause();
    if (cancelled_) co_return error_code{asio::error::operation_aborted};
    leave_wait_ = [&piece] { piece.cancel(); };
    auto result = co_await piece.wait();
    leave_wait_ = nullptr;
    if (!result) co_return error_code{asio::error::operation_aborted};
    co_return std::move(*result);
}

asio::awaitable<void> ListingSource::pause()
{
    LoopPromise<bool> over{loop_};
    loop_.call_at(EventLoop::Clock::now() + pause_for_workers,
                  [keeper = over.keeper()]() mutable { keeper.keep(true, [](bool) {}); });
    leave_wait_ = [&over] { over.cancel(); };
    co_await over.wait();
    leave_wait_ = nullptr;
}

void ListingSource::cancel()
{
    cancelled_ = true;
    if (leave_wait_) leave_wait_();
}

} // namespace ftpc::server
