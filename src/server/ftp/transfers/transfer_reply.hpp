// The reply that ends a transfer (docs/protocol.md §4).
#pragma once

#include "server/ftp/transfers/data_connection.hpp"
#include "shared/protocol/reply.hpp"

#include <cstdint>

namespace ftpc::server {

// `unlisted`: names that a listing left out because no reply can show them.
Reply transfer_reply(const DataConnection::Outcome& outcome, std::uint64_t unlisted);

} // namespace ftpc::server
