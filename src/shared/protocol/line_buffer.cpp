#include "shared/protocol/line_buffer.hpp"

#include "shared/crypto/secret.hpp"

#include <cstring>

namespace ftpc {

std::span<char> LineBuffer::room()
{
    if (!bytes_) bytes_.reset(new char[capacity]); // not value-initialised: it is written before it is read
    if (begin_ == end_) begin_ = searched_ = unwanted_ = end_ = 0;
    if (begin_ > 0 && capacity - end_ < capacity / 4) {
        std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        searched_ -= begin_;
        unwanted_ -= std::min(unwanted_, begin_);
        begin_ = 0;
    }
    return {bytes_.get() + end_, capacity - end_};
}

LineBuffer::Line LineBuffer::next()
{
    if (skipped_ > max_skipped_bytes) return {Status::endless, {}};
    const std::string_view all{bytes_.get(), end_};
    const auto line_end = all.find("\r\n", searched_);
    if (skipped_ > 0 && line_end == std::string_view::npos) return skip_over_long_line();
    if (line_end == std::string_view::npos) {
        // The last byte may be the CR of a line end that is still on its way.
        searched_ = std::max(begin_, end_ > 0 ? end_ - 1 : 0);
        return pending() > max_line_bytes + 1 ? skip_over_long_line() : Line{Status::need_more, {}};
    }
    const std::string_view text = all.substr(begin_, line_end - begin_);
    begin_ = searched_ = line_end + 2;
    if (skipped_ + text.size() > max_skipped_bytes) {
        // However the bytes were cut into reads, so long a line is endless.
        skipped_ += text.size();
        return {Status::endless, {}};
    }
    if (skipped_ > 0 || text.size() > max_line_bytes) {
        skipped_ = 0;
        return {Status::too_long, {}};
    }
    return {Status::line, text};
}

LineBuffer::Line LineBuffer::skip_over_long_line()
{
    const std::size_t kept = end_ > begin_ && bytes_[end_ - 1] == '\r' ? 1 : 0;
    skipped_ += pending() - kept;
    begin_ = searched_ = end_ - kept;
    // protection: endless-line
    return {skipped_ > max_skipped_bytes ? Status::endless : Status::need_more, {}};
}

std::optional<std::string> LineBuffer::take_out(const std::function<bool(std::string_view line)>& wanted)
{
    if (skipped_ > 0 || !bytes_) return std::nullopt; // the bytes at hand end a line that is too long
    const std::string_view all{bytes_.get(), end_};
    unwanted_ = std::max(unwanted_, begin_);
    while (true) {
        const auto line_end = all.find("\r\n", unwanted_);
        if (line_end == std::string_view::npos) return std::nullopt;
        const std::string_view line = all.substr(unwanted_, line_end - unwanted_);
        if (wanted(line)) break;
        unwanted_ = line_end + 2;
    }
    return remove_line();
}

// The line at unwanted_.
std::string LineBuffer::remove_line()
{
    const std::size_t size = std::string_view{bytes_.get(), end_}.find("\r\n", unwanted_) - unwanted_;
    char* const line = bytes_.get() + unwanted_;
    std::string removed{line, size};
    std::memmove(line, line + size + 2, end_ - unwanted_ - size - 2);
    end_ -= size + 2;
    searched_ = begin_;
    return removed;
}

void LineBuffer::release_if_empty()
{
    if (begin_ != end_) return;
    // protection: lines-wiped
    wipe_used();
    begin_ = searched_ = unwanted_ = end_ = 0;
    bytes_.reset();
}

void LineBuffer::swap(LineBuffer& other) noexcept
{
    std::swap(bytes_, other.bytes_);
    std::swap(begin_, other.begin_);
    std::swap(searched_, other.searched_);
    std::swap(unwanted_, other.unwanted_);
    std::swap(end_, other.end_);
    std::swap(used_, other.used_);
    std::swap(skipped_, other.skipped_);
}

// As much as was used: all of the memory each time would cost more than reading into it does.
void LineBuffer::wipe_used()
{
    if (bytes_) wipe(bytes_.get(), std::exchange(used_, 0));
}

} // namespace ftpc
