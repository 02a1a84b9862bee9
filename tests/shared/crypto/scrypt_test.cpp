#include "shared/crypto/scrypt.hpp"

#include "shared/base/error.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <array>

using namespace ftpc;
using test::bytes;

namespace {

std::string hashed(std::string_view password, std::string_view salt, ScryptCost cost)
{
    std::array<std::uint8_t, 64> out{};
    scrypt(password, bytes(salt), cost, out);
    return hex_encode(out);
}

} // namespace

// The fourth vector takes 1 GiB and is left out.
TEST_CASE("scrypt gives the vectors of RFC 7914 section 12")
{
    CHECK(hashed("", "", {4, 1, 1}) == "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                                       "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    CHECK(hashed("password", "NaCl", {10, 8, 16}) ==
          "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
          "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    CHECK(hashed("pleaseletmein", "SodiumChloride", {14, 8, 1}) ==
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
          "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST_CASE("scrypt has the memory it needs at every allowed cost")
{
    CHECK(ScryptCost{15, 8, 3}.memory_bytes() == 32ULL << 20);
    CHECK(ScryptCost{20, 8, 1}.memory_bytes() == 1ULL << 30);
    for (const ScryptCost cost :
         {ScryptCost{10, 1, 1}, ScryptCost{10, 32, 16}, ScryptCost{15, 8, 3}, ScryptCost{15, 1, 16}})
        CHECK_NOTHROW(hashed("p", "s", cost));
}

TEST_CASE("scrypt throws if the library refuses")
{
    CHECK_THROWS_AS(hashed("p", "s", {10, 0, 1}), boost::system::system_error);
    // RFC 7914 section 2: N is less than 2^(128 * r / 8).
    CHECK_THROWS_AS(hashed("p", "s", {16, 1, 1}), boost::system::system_error);
}
