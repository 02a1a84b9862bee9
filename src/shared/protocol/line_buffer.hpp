// Bytes from a connection, given out line by line. A line ends with CRLF and with nothing else (RFC 959
// §5.3.1). A lone CR or LF stays inside its line as an ordinary control character.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ftpc {

class LineBuffer {
public:
    // Longest line that is given out, without its CRLF.
    static constexpr std::size_t max_line_bytes = 8192;
    // How much of an over-long line is skipped before the connection is given up.
    static constexpr std::size_t max_skipped_bytes = 65536;

    enum class Status {
        need_more, // no complete line is here
        line,      // a line is in `text`
        too_long,  // a line over max_line_bytes was skipped as a whole
        endless,   // over max_skipped_bytes have come without a line end; nothing more will be given out
    };
    struct Line {
        Status status;
        std::string_view text; // valid until the next call of any member
    };

    LineBuffer() = default;
    LineBuffer(LineBuffer&& other) noexcept { swap(other); }
    LineBuffer& operator=(LineBuffer&& other) noexcept
    {
        LineBuffer{std::move(other)}.swap(*this);
        return *this;
    }
    ~LineBuffer() { wipe_used(); }

    // The memory for the next bytes; never empty once next() has said need_more. A line may carry a secret:
    // all received bytes are wiped before their memory is freed.
    std::span<char> room();

    // Says how many bytes were put into room().
    void received(std::size_t bytes)
    {
        end_ += bytes;
        used_ = std::max(used_, end_);
    }

    Line next();

    // Takes the first whole line for which `wanted`, always the same, holds out of the buffer; the others
    // stay. For commands that must not wait behind others. None: there is no such line.
    std::optional<std::string> take_out(const std::function<bool(std::string_view line)>& wanted);

    // No room is left before a line is given out.
    bool is_full() const { return bytes_ && begin_ == 0 && end_ == capacity; }

    // How many received bytes have not been given out.
    std::size_t pending() const { return end_ - begin_; }

    // Frees the memory when nothing is pending, so that an idle connection holds none.
    void release_if_empty();

private:
    Line skip_over_long_line();
    std::string remove_line();
    void swap(LineBuffer& other) noexcept;
    void wipe_used();

    static constexpr std::size_t capacity = 2 * max_line_bytes;
    std::unique_ptr<char[]> bytes_;
    std::size_t begin_ = 0;    // first byte not yet given out
    std::size_t searched_ = 0; // no line end begins in [begin_, searched_)
    std::size_t unwanted_ = 0; // take_out() has looked at the lines before it
    std::size_t end_ = 0;      // one past the last byte received
    std::size_t used_ = 0;     // nothing was ever received behind these bytes
    std::size_t skipped_ = 0;  // bytes of an over-long line thrown away so far; 0 when not skipping
};

} // namespace ftpc
