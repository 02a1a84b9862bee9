// LineBuffer gives out the same lines as a plain search over all bytes, however a connection cuts them into
// reads.
#include "fuzz/require.hpp"
#include "shared/protocol/line_buffer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

using namespace ftpc;
using fuzz::require;
using Status = LineBuffer::Status;

namespace {

struct Given {
    Status status;
    std::string text;
    friend bool operator==(const Given&, const Given&) = default;
};

// Bytes from 0xE0 on stand for many of the byte behind them, so that small inputs make long lines.
std::string expand(std::string_view input)
{
    std::string out;
    for (std::size_t i = 0; i < input.size() && out.size() < 140000; ++i) {
        const auto byte = static_cast<unsigned char>(input[i]);
        if (byte >= 0xE0 && i + 1 < input.size()) {
            ++i;
            out.append((byte - 0xDFU) * 1024U - (byte & 1U), input[i]);
        } else {
            out += input[i];
        }
    }
    return out;
}

std::vector<Given> expected(std::string_view bytes)
{
    std::vector<Given> lines;
    while (true) {
        const auto end = bytes.find("\r\n");
        // A CR at the very end may begin a line end, so it does not count yet.
        const std::size_t size =
            end != std::string_view::npos ? end : bytes.size() - (bytes.ends_with('\r') ? 1 : 0);
        if (size > LineBuffer::max_skipped_bytes) {
            lines.push_back({Status::endless, ""});
            return lines;
        }
        if (end == std::string_view::npos) return lines;
        const bool fits = size <= LineBuffer::max_line_bytes;
        lines.push_back(
            {fits ? Status::line : Status::too_long, fits ? std::string{bytes.substr(0, end)} : ""});
        bytes.remove_prefix(end + 2);
    }
}

// False when nothing will be given out any more.
bool take_all(LineBuffer& buffer, std::vector<Given>& given)
{
    while (true) {
        const auto next = buffer.next();
        if (next.status == Status::need_more) return true;
        given.push_back({next.status, std::string{next.text}});
        if (next.status == Status::endless) return false;
    }
}

constexpr std::string_view urgent = "X"; // a line that is taken out before others

// `cuts` says how many bytes each read brings, over and over. `taken_out`: counts the urgent lines; null:
// they wait.
std::vector<Given> fed(std::string_view bytes, std::string_view cuts, std::size_t* taken_out = nullptr)
{
    LineBuffer buffer;
    std::vector<Given> given;
    for (std::size_t i = 0; !bytes.empty(); ++i) {
        const auto cut = static_cast<unsigned char>(cuts[i % cuts.size()]);
        const auto room = buffer.room();
        require(!room.empty(), "there is room once all lines are taken");
        const std::size_t wanted = cut < 0xC0 ? cut + 1U : (cut - 0xBFU) * 300U;
        const std::size_t size = std::min({wanted, room.size(), bytes.size()});
        std::copy_n(bytes.begin(), size, room.begin());
        buffer.received(size);
        bytes.remove_prefix(size);
        while (taken_out != nullptr && buffer.take_out([](std::string_view line) { return line == urgent; }))
            ++*taken_out;
        if (!take_all(buffer, given)) return given;
        if (i % 64 == cut % 64U) buffer.release_if_empty();
    }
    return given;
}

std::vector<Given> without_urgent(std::vector<Given> lines)
{
    std::erase(lines, Given{Status::line, std::string{urgent}});
    return lines;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 4) return 0;
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const std::string bytes = expand(input.substr(4));
    const std::vector<Given> lines = expected(bytes);
    require(fed(bytes, input.substr(0, 4)) == lines, "the lines do not depend on the cuts");
    std::size_t taken_out = 0;
    const auto others = fed(bytes, input.substr(0, 4), &taken_out);
    require(without_urgent(others) == without_urgent(lines), "taking a line out leaves the others");
    require(others.size() + taken_out == lines.size(), "no line is lost or doubled");
    return 0;
}
