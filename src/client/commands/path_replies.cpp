#include "client/commands/path_replies.hpp"

#include "shared/base/text.hpp"
#include "shared/protocol/line_buffer.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

// Room in a reply line for its code and the words behind the quoted path.
constexpr std::size_t reply_words_bytes = 64;

} // namespace

std::optional<std::string> quoted_text(std::string_view text)
{
    if (!text.starts_with('"')) return std::nullopt;
    std::string unquoted;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            if (i + 1 == text.size() || text[i + 1] != '"') return unquoted;
            ++i;
        }
        unquoted += text[i];
    }
    return std::nullopt;
}

bool answer_fits(std::string_view path)
{
    const auto quotes = static_cast<std::size_t>(std::count(path.begin(), path.end(), '"'));
    return path.size() + quotes + reply_words_bytes <= LineBuffer::max_line_bytes;
}

std::string reason_of(const Reply& reply)
{
    std::string text = reply.text;
    std::replace(text.begin(), text.end(), '\n', ' ');
    // protection: safe-terminal
    return text.empty() ? "refused with " + std::to_string(reply.code) : printable(text);
}

} // namespace ftpc::client
