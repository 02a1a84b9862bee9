#include "shared/protocol/reply.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace ftpc {

namespace {

std::optional<int> leading_code(std::string_view line)
{
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return std::nullopt;
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (code < 100 || code > 599) return std::nullopt;
    return code;
}

} // namespace

void append_wire(std::string& out, const Reply& reply)
{
    const auto digit = [](int value) { return static_cast<char>('0' + value % 10); };
    const std::array code{digit(reply.code / 100), digit(reply.code / 10), digit(reply.code)};
    std::string_view rest = reply.text;
    bool first = true;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        if (first) out.append(code.data(), code.size());
        out.append(first ? "-" : " ").append(rest, 0, end).append("\r\n");
        rest.remove_prefix(end + 1);
        first = false;
    }
    out.append(code.data(), code.size()).append(" ").append(rest).append("\r\n");
}

ReplyReader::State ReplyReader::feed(std::string_view line)
{
    const auto code = leading_code(line);
    const char separator = line.size() > 3 ? line[3] : ' ';
    if (in_several_lines_) {
        if (reply_.text.size() + line.size() > max_reply_bytes) return State::malformed;
        const bool last = code == reply_.code && separator == ' ';
        reply_.text += '\n';
        reply_.text += last ? line.substr(std::min<std::size_t>(4, line.size()))
                            : line.substr(!line.empty() && line.front() == ' ' ? 1 : 0);
        in_several_lines_ = !last;
        return last ? State::complete : State::incomplete;
    }
    if (!code || (separator != ' ' && separator != '-')) return State::malformed;
    reply_ = {*code, std::string{line.substr(std::min<std::size_t>(4, line.size()))}};
    in_several_lines_ = separator == '-';
    return in_several_lines_ ? State::incomplete : State::complete;
}

} // namespace ftpc
