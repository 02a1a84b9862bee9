#include "shared/base/numbers.hpp"

#include "support/catch.hpp"

#include <cstdint>

using namespace ftpc;

TEST_CASE("a number is digits from the first to the last character")
{
    CHECK(parse_number<unsigned>("0") == 0U);
    CHECK(parse_number<unsigned>("0042") == 42U);
    CHECK(parse_number<std::uint64_t>("18446744073709551615") == ~std::uint64_t{0});
    for (const char* text : {"", " 1", "1 ", "+1", "-1", "1.5", "0x1", "ten", "18446744073709551616"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_number<std::uint64_t>(text));
    }
    CHECK_FALSE(parse_number<int>("-1"));
}

TEST_CASE("a number has to be within its bounds, in its base")
{
    CHECK(parse_number<unsigned>("1", 1, 9) == 1U);
    CHECK(parse_number<unsigned>("9", 1, 9) == 9U);
    CHECK_FALSE(parse_number<unsigned>("0", 1, 9));
    CHECK_FALSE(parse_number<unsigned>("10", 1, 9));
    CHECK(parse_number<int>("-1", -1) == -1);
    CHECK(parse_number<unsigned>("755", 0, 01777, 8) == 0755U);
    CHECK_FALSE(parse_number<unsigned>("8", 0, 01777, 8));
}
