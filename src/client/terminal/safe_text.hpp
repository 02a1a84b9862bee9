// Text from outside, as it may be shown.
#pragma once

#include <string>
#include <string_view>

namespace ftpc::client {

// `text` itself if it is UTF-8 without control characters, so that names come out as they are. Else the bytes
// that could harm a terminal are escaped (printable() in shared/base/text.hpp).
std::string safe_text(std::string_view text);

} // namespace ftpc::client
