#include "shared/protocol/prehash.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"
#include "vectors/vectors.hpp"

using namespace ftpc;

TEST_CASE("PREHASH1 gives the vectors of docs/protocol.md")
{
    for (const auto& vector : test::vectors::prehashes) {
        CAPTURE(vector.password, vector.realm, vector.user);
        CHECK(base64_encode(prehash(vector.password, vector.realm, vector.user)) == vector.prehash);
    }
}

TEST_CASE("PREHASH1 differs by password, realm and user")
{
    const Prehash one = prehash("secret", "realm", "alice");
    CHECK(one == prehash("secret", "realm", "alice"));
    CHECK(one != prehash("Secret", "realm", "alice"));
    CHECK(one != prehash("secret", "other", "alice"));
    CHECK(one != prehash("secret", "realm", "bob"));
}

TEST_CASE("PREHASH1 takes the password as it comes, without normalising it")
{
    CHECK(prehash("\xc3\xa9", "realm", "alice") != prehash("e\xcc\x81", "realm", "alice"));
}
