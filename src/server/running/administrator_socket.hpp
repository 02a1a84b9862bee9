// The supervisor's door for the administrator's commands: a socket in the runtime directory. A command that
// connects is sent the server's status at once, and the connection is closed. The server never reads and
// never waits, so a client that is silent, or does not read, holds nothing up.
#pragma once

#include "server/running/server_status.hpp"
#include "shared/base/unique_fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::server {

class AdministratorSocket {
public:
    AdministratorSocket() = default;
    AdministratorSocket(const AdministratorSocket&) = delete;
    AdministratorSocket& operator=(const AdministratorSocket&) = delete;
    ~AdministratorSocket() { close(); }

    // Opens the socket in the first of these directories that can be used; changes nothing while it is there
    // still. If there is none, one event says so, and descriptor() is -1.
    void open(const std::vector<std::string>& directories);

    // To be polled for reading.
    int descriptor() const { return socket_.get(); }

    // Answers those who have connected, a bounded number at a time. The others are turned away: the peer must
    // be root or this process's user (SO_PEERCRED).
    void answer(const std::function<ServerStatus()>& status);

    // Commands find this server no longer.
    void close();

private:
    Result<void> open_in(const std::string& directory);
    bool is_in_place() const;
    bool answer_one(const std::function<ServerStatus()>& status, std::optional<SecretText>& packet);

    UniqueFd socket_;
    std::string path_;
    DirectoryIdentity file_; // of the socket at path_
    std::string missing_;    // why there is none, as it was said last
};

} // namespace ftpc::server
