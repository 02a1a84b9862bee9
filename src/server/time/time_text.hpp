// The text service: a format of strftime(3) comes, and the time in that format goes back.
#pragma once

#include <array>
#include <cstddef>
#include <ctime>
#include <string_view>

namespace ftpc::server {

inline constexpr std::size_t max_time_format_bytes = 128; // of a datagram, with a line end at its end

// An answer has at most 28 bytes more than twice its request. With 28 bytes of headers in front of both (IPv4
// and UDP), it is at most twice as long on the wire.
constexpr std::size_t max_time_text_bytes(std::size_t request_bytes)
{
    return 28 + 2 * request_bytes;
}
using TimeText = std::array<char, max_time_text_bytes(max_time_format_bytes)>;

// The format that a datagram asks for, without one line end at its end. Empty, and it gets no answer: more
// than max_time_format_bytes, not UTF-8, a control character, or no '%'.
std::string_view time_format_in(std::string_view datagram);

// The time `now` in that format, in the C locale and in the zone that is in use (tzset(3)). "?" for a format
// with other conversions than a to Z as listed in docs/protocol.md §14, or if the text would have more than
// `most` bytes. The text never holds '%', so that it is no format to another such service. Writes it into
// `text` and returns it.
std::string_view write_time(std::string_view format, std::size_t most, std::time_t now, TimeText& text);

} // namespace ftpc::server
