// Which reply a failed request gets (docs/protocol.md §4).
#pragma once

#include "shared/reply.hpp"
#include "shared/result.hpp"

namespace ftpc::server {

// For errors of the tree (errno, Errc::directory_exists) and of RemotePath::resolve. `path` is shown in the
// reply for an existing directory. A path that leads outside reads exactly like one that is not permitted.
Reply error_reply(error_code failure, std::string_view path);

} // namespace ftpc::server
