// The logins of one connection, one after the other, and the session keys of the user. Asks auth, opens the
// home, and ends everything with the login.
#pragma once

#include "server/ftp/channel/client_channel.hpp"
#include "server/ftp/commands/directory_commands.hpp"
#include "server/ftp/session/session.hpp"
#include "server/ipc/messages.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>

namespace ftpc::server {

class Logins {
public:
    // All must outlive this. `connection`: which ends if its login is revoked.
    Logins(ClientChannel& client, Session& session, DirectoryCommands& directories, Connection& connection)
        : client_{client}, session_{session}, directories_{directories}, connection_{connection}
    {}
    Logins(const Logins&) = delete;
    Logins& operator=(const Logins&) = delete;
    ~Logins() { forget(); }

    boost::asio::awaitable<void> log_in(LogInByPassword request);
    boost::asio::awaitable<void> log_in(LogInByPrehash request);
    boost::asio::awaitable<void> log_in(LogInBySessionKey request);

    boost::asio::awaitable<void> enrol(EnrolKey request);
    boost::asio::awaitable<void> end_key(EndKey request);
    boost::asio::awaitable<void> list_keys(ListKeys request);

    // USER and REIN have ended the login that was there.
    void forget_if_over();

    // As of ServedConnection.
    void leave();
    void arrive();

    bool in_force() const { return login_.has_value(); }

private:
    template <class Answer>
    boost::asio::awaitable<std::optional<Answer>> ask(ipc::Request question);
    boost::asio::awaitable<void> finish(std::optional<ipc::LoginAnswer> answer);
    boost::asio::awaitable<LoginOutcome> begin_session(const ipc::LoginAnswer& answer);
    void remember(const ipc::LoginHandle& login);
    void forget();

    ClientChannel& client_;
    Session& session_;
    DirectoryCommands& directories_;
    Connection& connection_;
    std::optional<ipc::LoginHandle> login_; // that auth knows of
    error_code home_failure_;               // why the home of the login that was checked last cannot be used
};

} // namespace ftpc::server
