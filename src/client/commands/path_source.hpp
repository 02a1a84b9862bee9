// The paths that a command is to work on: its arguments, and a list on an input where an argument is "-".
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::client {

class PathSource {
public:
    // A listed path longer than this is cut off, and given out as not whole.
    static constexpr std::size_t max_listed_bytes = std::size_t{64} * 1024;

    struct Path {
        std::string text;
        bool whole = true;
    };

    // If an argument is "-", `input` is read; paths in it end with `separator` (the last one may end with the
    // input). If that is LF, it may be CR LF as well, and a byte-order mark before the first path is left
    // out. Each further "-" would find the input at its end.
    PathSource(std::vector<std::string> arguments, int input, char separator);

    // The next path; nothing when the input has to be read first, or when there are no more.
    std::optional<Path> next();

    // Whether next() gave nothing because read_input() must come first.
    bool needs_input() const { return reading_ && ready_.empty(); }

    // Whether read_input() is needed and would not wait.
    bool input_ready() const;

    bool exhausted() const { return arguments_.empty() && ready_.empty() && !reading_; }

    int input() const { return input_; }

    // Reads what is there, and waits if there is nothing. False when the input cannot be read (errno); the
    // paths in it end there.
    bool read_input();

private:
    void take(std::string_view bytes);
    void finish_path();
    void leave_out_marks();

    std::deque<std::string> arguments_;
    int input_;
    char separator_;
    bool reading_ = false;   // the input is being read
    bool first_line_ = true; // nothing of it was given out yet
    std::deque<Path> ready_; // complete paths from the input
    std::string partial_;    // the beginning of the path that comes after them
    bool partial_whole_ = true;
};

} // namespace ftpc::client
