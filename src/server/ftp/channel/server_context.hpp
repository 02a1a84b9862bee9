// The shared objects of all FTP connections, and those of one reactor's connections.
#pragma once

#include "server/config/settings.hpp"
#include "server/passive/passive_ports.hpp"
#include "server/passive/transfer_bounds.hpp"
#include "server/storage/commit_queue.hpp"
#include "server/storage/tree.hpp"
#include "server/storage/tree_sync.hpp"
#include "server/storage/workers.hpp"
#include "server/transport/admission.hpp"
#include "server/transport/auth_client.hpp"
#include "server/transport/tls/tls_context.hpp"

#include <map>
#include <string>

namespace ftpc::server {

class Connection;
struct Homes;

// Each of these may be used from any thread.
struct ServerContext {
    Tree& tree;
    TreeSync& sync;
    CommitQueue& commits;
    AuthClient& auth;
    Workers& workers;
    Admission& admission;
    Homes& homes;
    PassivePorts& passive_ports;
    TransferBounds& transfers;
};

// For the thread of one reactor.
struct ReactorContext {
    ServerContext server;
    Settings settings; // replaced by a reload
    TlsContext tls;    // replaced by a reload; a connection keeps the one that it began with
    // Named by auth last; empty before.
    // protection: own-realm
    std::string realm{};
    // In force on connections of this reactor.
    std::map<ipc::LoginHandle, Connection*> logins{};
};

} // namespace ftpc::server
