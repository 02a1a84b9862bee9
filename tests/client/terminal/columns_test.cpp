#include "client/terminal/columns.hpp"

#include "support/catch.hpp"

using namespace ftpc::client;

using Widths = std::vector<std::size_t>;

TEST_CASE("entries stand in one row if they fit, with two spaces between them")
{
    const auto layout = lay_out_columns({3, 4, 5}, 16);
    CHECK(layout.rows == 1);
    CHECK(layout.widths == Widths{3, 4, 5});
    CHECK(lay_out_columns({3, 4, 5}, 15).rows == 2);
}

TEST_CASE("entries go down the columns, and a column is as wide as its widest entry")
{
    const auto layout = lay_out_columns({1, 9, 2, 2, 3}, 15);
    CHECK(layout.rows == 3);
    CHECK(layout.widths == Widths{9, 3});
}

TEST_CASE("rows that leave a column empty have no such column")
{
    const auto layout = lay_out_columns({4, 4, 4, 4, 4, 4, 4, 4, 4}, 24); // four columns fit
    CHECK(layout.rows == 3);
    CHECK(layout.widths == Widths{4, 4, 4});
}

TEST_CASE("an entry that is wider than the terminal stands in the only column")
{
    const auto layout = lay_out_columns({100, 1}, 80);
    CHECK(layout.rows == 2);
    CHECK(layout.widths == Widths{100});
    CHECK(lay_out_columns({5, 5}, 0).rows == 2);
}

TEST_CASE("no entries are no rows")
{
    CHECK(lay_out_columns({}, 80).rows == 0);
}

TEST_CASE("many entries on a terminal that calls itself endless are laid out")
{
    const auto layout = lay_out_columns(Widths(10'000, 8), 65'535);
    CHECK(layout.rows == 100);
    CHECK(layout.widths.size() == 100);
}
