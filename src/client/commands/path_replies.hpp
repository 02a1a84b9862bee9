// The parts that the replies about a path have in common.
#pragma once

#include "shared/protocol/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

// The text in double quotes that `text` begins with, each doubled `"` in it one (RFC 959 Appendix II).
std::optional<std::string> quoted_text(std::string_view text);

// Whether a reply that names `path` so fits into a line. A path of almost nothing but `"` doubles in it.
bool answer_fits(std::string_view path);

// The server's words for a refusal, on one line and safe to print.
std::string reason_of(const Reply& reply);

} // namespace ftpc::client
