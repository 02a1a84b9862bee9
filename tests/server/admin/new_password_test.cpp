#include "server/admin/new_password.hpp"

#include "shared/base/text.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <set>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

TEST_CASE("generated passwords are six groups of characters that nobody confuses, and differ")
{
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const std::string password{view(generate_password())};
        CHECK(password.size() == 29);
        CHECK(check_password(password));
        CHECK(std::count(password.begin(), password.end(), '-') == 5);
        CHECK(password.find_first_of("ilo01") == std::string::npos);
        CHECK(password.find_first_not_of("abcdefghjkmnpqrstuvwxyz23456789-") == std::string::npos);
        seen.insert(password);
    }
    CHECK(seen.size() == 100);
}
