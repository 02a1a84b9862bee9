// MKD, SITE MKDIR, CWD and CDUP of one connection, carried out on the tree. A call that would block runs on a
// thread that may wait, others on the event loop.
#pragma once

#include "server/ftp/channel/client_channel.hpp"
#include "server/ftp/commands/client_directories.hpp"
#include "server/ftp/session/session.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace ftpc::server {

class DirectoryCommands {
public:
    using Clock = std::chrono::steady_clock;

    // Both must outlive this.
    DirectoryCommands(ClientChannel& client, Session& session) : client_{client}, session_{session}
    {
        client_.before_wait = [this] { forget_recent(); };
    }
    DirectoryCommands(const DirectoryCommands&) = delete;
    DirectoryCommands& operator=(const DirectoryCommands&) = delete;

    // MakeDirectory or MakePath.
    template <class Request>
    boost::asio::awaitable<void> make(Request request);
    boost::asio::awaitable<void> change(ChangeDirectory request);

    // Opens the home of the user who logs in; failures are logged. No value: the connection must end.
    boost::asio::awaitable<std::optional<error_code>> enter_home(std::string home);
    void leave_home() { place_ = {}; }

    // Of the user who is logged in; for the other commands of the session.
    const ClientDirectories& place() const { return place_; }

    // The limit of the user: any number of directories (0), or as the setting says (none).
    void set_max_dirs(std::optional<std::uint64_t> max_dirs) { own_max_dirs_ = max_dirs; }

    // The next commands came at that time.
    void set_arrival(Clock::time_point arrived) { arrived_ = arrived; }

    // The turn of the connection ends: its lookups are of no use to the next one.
    void forget_recent() { recent_.forget(); }

private:
    template <class Request>
    boost::asio::awaitable<bool> finish_in_workers(const Request& request, MkdirResult& result);
    template <class Request>
    boost::asio::awaitable<std::optional<MkdirResult>> in_worker(const Request& request, Blocking blocking);
    Reply reply_to(const MakeDirectory& request, const MkdirResult& result) const;
    Reply reply_to(const MakePath& request, const MkdirResult& result) const;
    void answer(const Reply& reply, const RemotePath& path, const MkdirResult& result);
    void log_made(const RemotePath& path, const MkdirResult& result);

    ClientChannel& client_;
    Session& session_;
    ClientDirectories place_;
    std::optional<std::uint64_t> own_max_dirs_;
    Clock::time_point arrived_{};
    RecentParent recent_;
};

} // namespace ftpc::server
