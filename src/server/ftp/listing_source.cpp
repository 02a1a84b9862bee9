#include "server/ftp/listing_source.hpp"

#include "shared/base/error.hpp"

#include <boost/asio.hpp>

#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

Result<TransferSource::Piece> next_piece(Listing& listing)
{
    auto lines = listing.next(ListingSource::piece_bytes);
    if (!lines) return lines.error();
    return TransferSource::Piece{std::move(*lines), listing.at_end()};
}

} // namespace

asio::awaitable<Result<TransferSource::Piece>> ListingSource::next()
{
    if (auto first = std::exchange(first_, std::nullopt))
        co_return Piece{std::move(*first), listing_->at_end()};
    LoopPromise<Result<Piece>> piece{loop_};
    const bool taken = workers_.submit(lane_, [listing = listing_, keeper = piece.keeper()]() mutable {
        keeper.keep(next_piece(*listing), [](const Result<Piece>&) {});
    });
    if (!taken) co_return Errc::too_many_waiting;
    waiting_ = &piece;
    auto read = co_await piece.wait();
    waiting_ = nullptr;
    if (!read) co_return error_code{asio::error::operation_aborted};
    co_return std::move(*read);
}

void ListingSource::cancel()
{
    if (waiting_ != nullptr) waiting_->cancel();
}

} // namespace ftpc::server
