#include "client/commands/path_source.hpp"

#include "shared/base/text_lines.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <string_view>

namespace ftpc::client {

PathSource::PathSource(std::vector<std::string> arguments, int input, char separator)
    : arguments_{std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end())},
      input_{input}, separator_{separator}
{}

std::optional<PathSource::Path> PathSource::next()
{
    if (!ready_.empty()) {
        Path path = std::move(ready_.front());
        ready_.pop_front();
        return path;
    }
    if (reading_ || arguments_.empty()) return std::nullopt;
    Path path{std::move(arguments_.front())};
    arguments_.pop_front();
    reading_ = path.text == "-";
    return reading_ ? std::nullopt : std::optional{std::move(path)};
}

bool PathSource::input_ready() const
{
    pollfd waiting{input_, POLLIN, 0};
    return needs_input() && ::poll(&waiting, 1, 0) > 0;
}

bool PathSource::read_input()
{
    std::array<char, 65536> chunk;
    const ssize_t got = ::read(input_, chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (got > 0) {
        take({chunk.data(), static_cast<std::size_t>(got)});
        return true;
    }
    reading_ = false;
    if (got == 0 && !partial_.empty()) finish_path();
    partial_.clear(); // after an error the rest of a path is missing, and half of it names something else
    return got == 0;
}

void PathSource::take(std::string_view bytes)
{
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, bytes.find(separator_));
        const std::size_t room = max_listed_bytes - partial_.size();
        partial_ += piece.substr(0, room);
        partial_whole_ = partial_whole_ && piece.size() <= room;
        if (piece.size() == bytes.size()) return;
        finish_path();
        bytes.remove_prefix(piece.size() + 1);
    }
}

void PathSource::finish_path()
{
    if (separator_ == '\n') leave_out_marks();
    first_line_ = false;
    ready_.push_back({std::move(partial_), partial_whole_});
    partial_.clear();
    partial_whole_ = true;
}

// No path on a server ends with a CR, so that nothing is lost with that of a CR LF.
void PathSource::leave_out_marks()
{
    if (partial_whole_ && partial_.ends_with('\r')) partial_.pop_back();
    if (first_line_) partial_.erase(0, partial_.size() - without_byte_order_mark(partial_).size());
}

} // namespace ftpc::client
