// Which reply a failed request gets (docs/protocol.md §4).
#pragma once

#include "shared/base/result.hpp"
#include "shared/protocol/reply.hpp"

#include <cstdint>
#include <string_view>

namespace ftpc::server {

// For errors of the tree (errno, Errc::directory_exists) and of RemotePath::resolve. `path` is shown in the
// reply for an existing directory. A path that leads outside reads exactly like one that is not permitted.
Reply error_reply(error_code failure, std::string_view path);

// For a home that cannot be opened, with the reason: 421 without descriptors, 530 if it is not there or
// forbidden, else 451.
Reply home_error_reply(error_code failure);

// Whether the operator of the server can mend an error of the tree, like a full file system. False for errors
// of the request, like a missing parent.
bool concerns_operator(error_code failure);

// For Errc::over_quota, with the limit in words.
Reply over_quota_reply(std::uint64_t most_directories);

} // namespace ftpc::server
