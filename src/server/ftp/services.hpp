// What the connections of net use: what all share, and what those of one reactor share.
#pragma once

#include "server/config/settings.hpp"
#include "server/ftp/workplace.hpp"
#include "server/log/event_log.hpp"
#include "server/storage/commit_queue.hpp"
#include "server/storage/tree.hpp"
#include "server/storage/workers.hpp"
#include "server/transport/admission.hpp"
#include "server/transport/auth_client.hpp"
#include "server/transport/tls_context.hpp"
#include "server/transport/watched_socket.hpp"
#include "shared/protocol/line_buffer.hpp"
#include "shared/protocol/reply.hpp"

#include <atomic>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

namespace ftpc::server {

class Connection;

// Of all reactors: each of these may be used from any thread.
struct SharedServices {
    Tree& tree;
    TreeSync& sync;
    CommitQueue& commits;
    AuthClient& auth;
    Workers& workers;
    Admission& admission;
    Homes& homes;
    LogBounds& log_bounds;
};

// Memory that a connection needs for a moment only, and leaves to the next one: an allocation less for each.
struct SpareMemory {
    LineBuffer::Memory lines{};
    std::string replies{};
    Reply reply{};
};

// Of one reactor, on its thread.
struct Services : SharedServices {
    Services(const SharedServices& shared, boost::asio::io_context& loop, SocketPoller& sockets,
             const Settings& first_settings, TlsContext first_tls)
        : SharedServices{shared}, io{loop}, poller{sockets}, settings{first_settings},
          tls{std::move(first_tls)}, log{loop, shared.log_bounds}
    {}

    boost::asio::io_context& io;
    SocketPoller& poller;
    Settings settings;   // replaced by a reload
    TlsContext tls;      // replaced by a reload; a connection keeps the one that it began with
    std::string realm{}; // that auth has named last; empty before
    EventLog log;
    SpareMemory spare{};
    RecentParent recent_parent{};           // of the connection whose turn it is
    std::atomic<std::size_t> strangers = 0; // of its connections, those that are not logged in
    std::unordered_map<ConnectionId, Connection*> connections{}; // all that it serves
};

} // namespace ftpc::server
