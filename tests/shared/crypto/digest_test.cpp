#include "shared/crypto/digest.hpp"

#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <array>

using namespace ftpc;
using test::bytes;
using test::unhex_array;

TEST_CASE("SHA-256 gives the vectors of FIPS 180")
{
    CHECK(sha256(bytes("abc")) ==
          unhex_array<32>("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK(sha256({}) == unhex_array<32>("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}

TEST_CASE("HMAC-SHA256 gives the vectors of RFC 4231")
{
    CHECK(hmac_sha256(bytes("Jefe"), bytes("what do ya want for nothing?")) ==
          unhex_array<32>("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    const std::vector<std::uint8_t> long_key(131, 0xaa);
    CHECK(hmac_sha256(long_key, bytes("Test Using Larger Than Block-Size Key - Hash Key First")) ==
          unhex_array<32>("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

TEST_CASE("HMAC-SHA256 takes an empty key and an empty text")
{
    CHECK(hmac_sha256({}, {}) ==
          unhex_array<32>("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"));
}

TEST_CASE("random bytes fill all of the memory and differ")
{
    std::array<std::uint8_t, 64> first{};
    std::array<std::uint8_t, 64> second{};
    fill_random(first);
    fill_random(second);
    CHECK(first != second);
    CHECK(first != std::array<std::uint8_t, 64>{});
}
