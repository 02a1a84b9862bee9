#include "client/commands/path_replies.hpp"

#include "support/catch.hpp"

using namespace ftpc;
using namespace ftpc::client;

TEST_CASE("a quoted path ends at its first single quote, and doubled ones are one")
{
    CHECK(*quoted_text("\"/a\" created.") == "/a");
    CHECK(*quoted_text("\"/say \"\"hi\"\"\"") == "/say \"hi\"");
    CHECK(*quoted_text("\"\"") == "");
    CHECK_FALSE(quoted_text("/a created."));
    CHECK_FALSE(quoted_text("\"/a"));
    CHECK_FALSE(quoted_text("\"/a\"\""));
    CHECK_FALSE(quoted_text(""));
}

TEST_CASE("the reason of a refusal is on one line, and cannot drive a terminal")
{
    CHECK(reason_of({550, "first\nsecond\x1b[2J"}) == "first second\\x1b[2J");
    CHECK(reason_of({550, ""}) == "refused with 550");
}
