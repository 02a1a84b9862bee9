// A protocol as a service: makes a connection for each client of the listener.
#pragma once

#include "server/ipc/messages.hpp"
#include "server/transport/reactors.hpp"
#include "shared/base/unique_fd.hpp"

#include <functional>
#include <memory>
#include <string>

namespace ftpc::server {

struct Service {
    // One more client, on a socket that does not block; to be served by that reactor. Called on the
    // listener's thread.
    using Connect = std::function<std::unique_ptr<ServedConnection>(
        Reactor& reactor, UniqueFd socket, const ipc::PeerAddress& peer, ConnectionId id)>;
    Connect connect;

    // The bytes sent to a client if there is not even a descriptor for it.
    std::string server_is_full;
};

} // namespace ftpc::server
