#include "shared/base/utc_time.hpp"

#include "support/catch.hpp"

#include <limits>

using namespace ftpc;

TEST_CASE("a time is told in UTC, in the format that is asked for")
{
    CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
    CHECK(utc_text(-1) == "1969-12-31T23:59:59Z");
    CHECK(utc_text(1795947300, "%Y%m%dT%H%M%SZ") == "20261129T101500Z");
}

TEST_CASE("a time beyond every calendar has no text")
{
    CHECK(utc_text(std::numeric_limits<std::time_t>::max()).empty());
}
