#include "shared/reply.hpp"

#include <algorithm>
#include <optional>

namespace ftpc {

namespace {

void append_code(std::string& out, int code)
{
    out += static_cast<char>('0' + code / 100);
    out += static_cast<char>('0' + code / 10 % 10);
    out += static_cast<char>('0' + code % 10);
}

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
    std::string_view rest = reply.text;
    bool first = true;
    while (true) {
        const auto end = rest.find('\n');
        const bool last = end == std::string_view::npos;
        if (first || last) {
            append_code(out, reply.code);
            out += last ? ' ' : '-';
        } else {
            out += ' ';
        }
        out += rest.substr(0, end);
        out += "\r\n";
        if (last) return;
        rest.remove_prefix(end + 1);
        first = false;
    }
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
