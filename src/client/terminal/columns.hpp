// Names side by side on a terminal, as ls(1) has them.
#pragma once

#include <cstddef>
#include <vector>

namespace ftpc::client {

// Entry `i` stands in row i % rows and column i / rows.
struct ColumnLayout {
    std::size_t rows = 0;
    std::vector<std::size_t> widths; // of each column, without the space behind it
};

inline constexpr std::size_t column_gap = 2;

// As few rows as fit into `line_width`, if the entries have these widths. One column fits always.
ColumnLayout lay_out_columns(const std::vector<std::size_t>& widths, std::size_t line_width);

} // namespace ftpc::client
