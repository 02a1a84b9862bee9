#include "client/terminal/safe_text.hpp"

#include "shared/base/text.hpp"

namespace ftpc::client {

std::string safe_text(std::string_view text)
{
    const bool harmless = is_utf8(text) && !has_control_character(text);
    return harmless ? std::string{text} : printable(text);
}

} // namespace ftpc::client
