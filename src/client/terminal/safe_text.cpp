#include "client/terminal/safe_text.hpp"

#include "shared/base/text.hpp"

namespace ftpc::client {

std::string safe_text(std::string_view text)
{
    return is_seen_as_it_is(text) ? std::string{text} : printable(text);
}

} // namespace ftpc::client
