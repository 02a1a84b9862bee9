#include "shared/base/text_lines.hpp"

#include <algorithm>

namespace ftpc {

namespace {

// The first CR that neither LF nor the end of the text follows.
std::size_t find_lone_cr(std::string_view text)
{
    for (auto at = text.find('\r'); at != std::string_view::npos; at = text.find('\r', at + 1))
        if (at + 1 < text.size() && text[at + 1] != '\n') return at;
    return std::string_view::npos;
}

std::size_t line_at(std::string_view text, std::size_t place)
{
    const auto before = text.substr(0, place);
    return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

} // namespace

std::string_view without_byte_order_mark(std::string_view text)
{
    // protection: byte-order-mark
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    return text;
}

bool begins_as_utf16(std::string_view text)
{
    return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

bool TextLines::next()
{
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    has_end_ = end != std::string_view::npos;
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(has_end_ ? end + 1 : rest_.size());
    // protection: line-ends
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++number_;
    return true;
}

TextFault find_text_fault(std::string_view text)
{
    if (begins_as_utf16(text)) return {1, "the file is UTF-16 text; save it as UTF-8"};
    // protection: named-nul
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return {
            line_at(text, nul),
            "there is a NUL byte (\\x00): the file is damaged, or UTF-16; put a good one back, or save it "
            "as UTF-8"};
    if (const auto cr = find_lone_cr(text); cr != std::string_view::npos)
        return {
            line_at(text, cr),
            "there is a CR (\\r) inside the line: lines end with LF, or CR LF; save the file with such line "
            "ends"};
    return {};
}

} // namespace ftpc
