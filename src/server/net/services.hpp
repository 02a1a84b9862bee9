// What every connection of net shares.
#pragma once

#include "server/net/admission.hpp"
#include "server/net/auth_client.hpp"
#include "server/net/commit_queue.hpp"
#include "server/net/event_log.hpp"
#include "server/net/quota.hpp"
#include "server/net/tls_context.hpp"
#include "server/net/tree.hpp"
#include "server/net/workers.hpp"
#include "server/settings.hpp"

#include <unordered_map>

namespace ftpc::server {

class Connection;

struct Services {
    boost::asio::io_context& io;
    Settings settings; // replaced by a reload
    TlsContext tls;    // replaced by a reload; a connection keeps the one that it began with
    Tree& tree;
    CommitQueue& commits;
    AuthClient& auth;
    Workers& workers;
    Admission admission;
    EventLog log;
    HomeQuotas quotas{};
    std::unordered_map<ConnectionId, Connection*> connections{}; // all that are open
};

} // namespace ftpc::server
