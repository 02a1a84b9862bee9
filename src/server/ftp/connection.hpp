// The life of one connection: reads lines, lets the session decide, has each action carried out, and sends
// the replies, until either side ends it.
#pragma once

#include "server/ftp/channel/client_channel.hpp"
#include "server/ftp/commands/directory_commands.hpp"
#include "server/ftp/commands/fact_commands.hpp"
#include "server/ftp/commands/logins.hpp"
#include "server/ftp/session/session.hpp"
#include "server/ftp/transfers/transfers.hpp"
#include "server/transport/client_processor.hpp"
#include "server/transport/command_rate.hpp"
#include "server/transport/served_connection.hpp"
#include "shared/protocol/line_buffer.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ftpc::server {

class Connection final : public ServedConnection {
public:
    // `contexts`: one for each reactor. `socket`: one that does not block. The others must outlive this.
    Connection(Reactor& reactor, std::span<ReactorContext> contexts, UniqueFd socket,
               const ipc::PeerAddress& peer, ConnectionId id);

    boost::asio::awaitable<Reactor*> run() override;
    void leave() override;
    void arrive(Reactor& reactor) override;
    void end(std::string_view why) override;
    void end_at_once(std::string_view why) override;
    void end_if_overdue(Clock::time_point now) override;
    const ipc::PeerAddress& peer() const override { return client_.peer; }

    // As DirectoryCommands does.
    void set_max_dirs(std::optional<std::uint64_t> max_dirs) { directories_.set_max_dirs(max_dirs); }

private:
    boost::asio::awaitable<Reactor*> serve();
    Reactor* nearer_reactor();
    boost::asio::awaitable<void> receive();
    bool receive_more();
    void take(const Result<std::size_t>& received);
    boost::asio::awaitable<void> handle_lines();
    boost::asio::awaitable<void> slow_down(Clock::duration time);
    Action act_on(const LineBuffer::Line& line);
    boost::asio::awaitable<void> perform(Action& action);
    void end_turn();

    boost::asio::awaitable<void> answer(Reply reply);
    boost::asio::awaitable<void> answer_last(LastReply last);
    boost::asio::awaitable<void> start_tls(StartTls start);
    boost::asio::awaitable<void> stop_tls(StopTls stop);
    boost::asio::awaitable<void> tell_time();

    void cut_off(std::string_view reason);
    void leave_file_system();
    std::string in_words(const error_code& failure) const;
    boost::asio::awaitable<void> finish();

    Session session_;
    ClientChannel client_;
    DirectoryCommands directories_;
    FactCommands facts_;
    Logins logins_;
    LineBuffer lines_;
    CommandRate rate_;
    Transfers transfers_;
    Clock::time_point arrived_{};   // the bytes that were read last
    std::uint64_t sent_before_ = 0; // bytes, when the deadlines were looked at last
    std::uint64_t answered_ = 0;    // commands
    bool begun_ = false;
    bool one_at_a_time_ = false; // the client waits for each reply
    ClientProcessor processor_;
};

} // namespace ftpc::server
