// Text files that people edit with the editors of any system. They are UTF-8, with or without a byte-order
// mark at the beginning, and their lines end with LF or CR LF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpc {

inline constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// `text` without the byte-order mark that it may begin with.
std::string_view without_byte_order_mark(std::string_view text);

// Whether `text` begins with a byte-order mark of UTF-16, in either order.
bool begins_as_utf16(std::string_view text);

// Goes through the lines of a text, which must stay as it is meanwhile.
class TextLines {
public:
    explicit TextLines(std::string_view text) : rest_{without_byte_order_mark(text)} {}

    // Goes on to the next line; false after the last.
    bool next();

    std::string_view line() const { return line_; } // without its line end
    std::size_t number() const { return number_; }  // from 1
    bool has_end() const { return has_end_; }       // only the last line may have none

private:
    std::string_view rest_;
    std::string_view line_;
    std::size_t number_ = 0;
    bool has_end_ = false;
};

// The reason why `text` is no such file: UTF-16, a NUL byte, or a CR that ends no line. `line` is the first
// to show it. `what` is a sentence without a full stop, with advice; empty if all is well.
struct TextFault {
    std::size_t line = 0;
    std::string what;
};
TextFault find_text_fault(std::string_view text);

} // namespace ftpc
