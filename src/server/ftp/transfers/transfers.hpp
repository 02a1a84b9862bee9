// The data connections of one session, one after the other: PASV, EPSV, LIST, NLST, MLSD and ABOR.
#pragma once

#include "server/ftp/channel/client_channel.hpp"
#include "server/ftp/commands/directory_commands.hpp"
#include "server/ftp/session/session.hpp"
#include "server/ftp/transfers/data_connection.hpp"
#include "server/listing/listing.hpp"
#include "server/transport/command_rate.hpp"
#include "shared/protocol/line_buffer.hpp"
#include "shared/protocol/reply.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace ftpc::server {

class Transfers {
public:
    using Clock = std::chrono::steady_clock;

    // How the connection takes what its client sends meanwhile.
    struct Input {
        LineBuffer& lines;
        CommandRate& rate;
        std::function<void(const Result<std::size_t>&)>
            take; // bytes in the room of `lines`, or why there are none
    };

    // All must outlive this.
    Transfers(ClientChannel& client, Session& session, const DirectoryCommands& directories, Input input)
        : client_{client}, session_{session}, directories_{directories}, input_{std::move(input)}
    {}
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;
    ~Transfers();

    // Waits for up to longest_port_wait if every port waits for another connection of this client.
    boost::asio::awaitable<void> open_port(OpenPassivePort request);

    // ABOR and STAT act meanwhile, and other commands wait.
    boost::asio::awaitable<void> send(SendListing request);

    boost::asio::awaitable<void> abort(AbortTransfer);

    // The login is over.
    void drop();

    // About once a second.
    void end_if_overdue(Clock::time_point now);

    // There is no data connection, so that the session may go on at another reactor.
    bool idle();

private:
    static constexpr std::chrono::seconds longest_port_wait{5};

    Result<std::shared_ptr<DataConnection>> expect() const;
    boost::asio::awaitable<Result<ListingPiece>> open(SendListing request);
    boost::asio::awaitable<void> transfer(ListingPiece first);
    boost::asio::awaitable<void> follow_commands();
    boost::asio::awaitable<void> act_on(const std::string& line);
    boost::asio::awaitable<void> receive();
    void end_with(const Reply& refusal);
    void let_last_go();
    void finish(const DataConnection::Outcome& outcome, std::uint64_t unlisted);

    ClientChannel& client_;
    Session& session_;
    const DirectoryCommands& directories_;
    Input input_;
    std::shared_ptr<DataConnection> data_; // null: no PASV since the last transfer
    std::shared_ptr<DataConnection> last_; // all of it was sent; the client takes its time to close
    bool waits_for_command_ = false;       // while a transfer runs
    bool abort_came_ = false;
};

} // namespace ftpc::server
