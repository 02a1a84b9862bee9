// A listing as the source of a transfer: workers read it, since a file system may wait.
#pragma once

#include "server/event_loop/event_loop.hpp"
#include "server/event_loop/loop_promise.hpp"
#include "server/ftp/transfers/data_connection.hpp"
#include "server/listing/listing.hpp"
#include "server/storage/workers.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace ftpc::server {

class ListingSource final : public TransferSource {
public:
    static constexpr std::size_t piece_bytes = std::size_t{64} * 1024;

    // `first` was read already. The listing is shared with a worker that has yet to end when nobody waits for
    // it.
    ListingSource(EventLoop& loop, Workers& workers, Workers::Lane lane, ListingPiece first)
        : loop_{loop}, workers_{workers}, lane_{lane}, listing_{std::move(first.listing)}, first_{std::move(
                                                                                               first.lines)}
    {}

    boost::asio::awaitable<Result<Piece>> next() override;
    void cancel() override;

private:
    EventLoop& loop_;
    Workers& workers_;
    Workers::Lane lane_;
    std::shared_ptr<Listing> listing_;
    std::optional<std::string> first_;
    boost::asio::awaitable<void> pause();

    std::function<void()> leave_wait_; // null: it does not wait
    bool cancelled_ = false;
};

} // namespace ftpc::server
