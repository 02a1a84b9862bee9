// Text from outside, as it may be shown.
#pragma once

#include <string>
#include <string_view>

namespace ftpc::client {

// `text` itself if all of it can be seen, so that names come out as they are. Else with escapes (printable()
// in shared/base/text.hpp).
std::string safe_text(std::string_view text);

} // namespace ftpc::client
