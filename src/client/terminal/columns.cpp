#include "client/terminal/columns.hpp"

#include <algorithm>
#include <optional>

namespace ftpc::client {

namespace {

// No terminal is wider. A program that says so of one would make the search long.
constexpr std::size_t widest_line = 1000;

// The layout in so many rows, if it fits into the line.
std::optional<ColumnLayout> in_rows(std::size_t rows, const std::vector<std::size_t>& widths,
                                    std::size_t line_width)
{
    ColumnLayout layout{rows, {}};
    std::size_t taken = 0;
    for (std::size_t first = 0; first < widths.size(); first += rows) {
        const auto begin = widths.begin() + static_cast<std::ptrdiff_t>(first);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(rows, widths.size() - first));
        layout.widths.push_back(*std::max_element(begin, end));
        taken += layout.widths.back() + (first > 0 ? column_gap : 0);
        if (taken > line_width) return std::nullopt;
    }
    return layout;
}

} // namespace

ColumnLayout lay_out_columns(const std::vector<std::size_t>& widths, std::size_t line_width)
{
    if (widths.empty()) return {};
    const std::size_t line = std::min(line_width, widest_line);
    // Every entry takes at least one column of the terminal and the gap.
    for (std::size_t columns = std::min(widths.size(), line / (1 + column_gap) + 1); columns > 1; --columns)
        if (auto layout = in_rows((widths.size() + columns - 1) / columns, widths, line)) return *layout;
    return {widths.size(), {*std::max_element(widths.begin(), widths.end())}};
}

} // namespace ftpc::client
