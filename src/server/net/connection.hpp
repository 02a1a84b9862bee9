// One client: reads lines, lets the session decide, acts on the tree, on auth and on TLS, sends the replies.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/net/reply_batch.hpp"
#include "server/net/services.hpp"
#include "server/net/session.hpp"
#include "server/net/stream.hpp"
#include "shared/line_buffer.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace ftpc::server {

class Connection {
public:
    using Clock = std::chrono::steady_clock;

    Connection(Services& services, boost::asio::ip::tcp::socket socket,
               const boost::asio::ip::tcp::endpoint& peer);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    // Serves the client until either side ends the connection.
    boost::asio::awaitable<void> run();

    // Ends the connection once the command under way is answered, with `reply` as the last word.
    void end(Reply reply);

    // Ends it if it has kept nobody but itself waiting for too long. To be called about once a second.
    void end_if_overdue(Clock::time_point now);

    const std::optional<ipc::LoginHandle>& login() const { return login_; }

private:
    boost::asio::awaitable<void> serve();
    boost::asio::awaitable<bool> receive();
    boost::asio::awaitable<void> handle_lines();
    boost::asio::awaitable<bool> flush();
    boost::asio::awaitable<error_code> synced();
    boost::asio::awaitable<void> finish();

    Action act_on(const LineBuffer::Line& line);
    bool perform_at_once(Action& action);
    boost::asio::awaitable<void> perform(Action action);
    boost::asio::awaitable<void> start_tls();
    boost::asio::awaitable<void> stop_tls();
    boost::asio::awaitable<void> log_in(Action action);
    void open_home(const ipc::LoginAnswer& answer);
    void forget_login_if_over();

    void change_directory(const RemotePath& path);
    void make_directory(const MakeDirectory& request);
    void add_found(const Reply& reply, const MakeDirectory& request);
    void make_path(const MakePath& request);
    void add_durably(const Reply& reply, const std::vector<Directory>& parents);

    void say_last(Reply reply);
    void extend_deadline();

    Services& services_;
    Stream stream_;
    ipc::PeerAddress peer_;
    Session session_;
    LineBuffer lines_;
    ReplyBatch replies_;
    std::optional<ipc::LoginHandle> login_;
    Directory home_;
    Directory working_directory_;
    std::optional<Reply> ending_; // why the server ends this connection
    Clock::time_point deadline_;
    bool reading_ = false; // waiting for the client's next command
    bool over_ = false;    // nothing more is read
};

} // namespace ftpc::server
