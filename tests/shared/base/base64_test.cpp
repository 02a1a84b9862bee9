#include "shared/base/base64.hpp"

#include "shared/base/error.hpp"
#include "support/bytes.hpp"
#include "support/catch.hpp"

#include <array>
#include <string>
#include <vector>

using namespace ftpc;
using namespace std::string_literals;
using test::bytes;

namespace {

Result<std::vector<std::uint8_t>> decode(std::string_view text)
{
    std::vector<std::uint8_t> bytes(text.size() * 3 / 4);
    if (const auto done = base64_decode_into(text, bytes); !done) return done.error();
    return bytes;
}

std::string decoded(std::string_view text)
{
    const auto out = decode(text);
    REQUIRE(out);
    return {out->begin(), out->end()};
}

void check_refused(std::string_view text)
{
    CAPTURE(text);
    const auto out = decode(text);
    REQUIRE(!out);
    CHECK(out.error() == Errc::bad_base64);
}

} // namespace

TEST_CASE("base64 gives the vectors of RFC 4648 section 10, without their padding")
{
    const std::array<std::array<std::string_view, 2>, 7> vectors{{{"", ""},
                                                                  {"f", "Zg"},
                                                                  {"fo", "Zm8"},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg"},
                                                                  {"fooba", "Zm9vYmE"},
                                                                  {"foobar", "Zm9vYmFy"}}};
    for (const auto& [plain, encoded] : vectors) {
        CHECK(base64_encode(bytes(plain)) == encoded);
        CHECK(decoded(encoded) == plain);
    }
}

TEST_CASE("base64 gives back every byte at every place")
{
    for (std::size_t size = 0; size <= 70; ++size) {
        std::vector<std::uint8_t> in(size);
        for (std::size_t i = 0; i < size; ++i)
            in[i] = static_cast<std::uint8_t>(i * 37 + size);
        const auto out = decode(base64_encode(in));
        REQUIRE(out);
        CHECK(*out == in);
    }
}

TEST_CASE("base64 lengths of the wire: 16, 32 and 64 bytes are 22, 43 and 86 characters")
{
    CHECK(base64_encode(std::vector<std::uint8_t>(16)).size() == 22);
    CHECK(base64_encode(std::vector<std::uint8_t>(32)).size() == 43);
    CHECK(base64_encode(std::vector<std::uint8_t>(64)).size() == 86);
}

TEST_CASE("base64 refuses padding, white space, other alphabets and NUL")
{
    for (const auto& text : {"Zg=="s, "Zm8="s, "Zm9v="s, " Zm9v"s, "Zm9v\n"s, "Zm 9v"s, "Zm-v"s, "Zm_v"s,
                             "Zm9\0"s, "Zm9\xff"s, "=="s})
        check_refused(text);
}

TEST_CASE("base64 refuses a length that no bytes encode to")
{
    check_refused("Z");
    check_refused("Zm9vY");
}

TEST_CASE("base64 refuses unused bits that are not zero, so that each value has one form")
{
    for (const std::string_view text : {"Zh", "Zv", "Zm9", "Zm+", "Zm9vYh"})
        check_refused(text);
}

TEST_CASE("base64 of a fixed size refuses any other size")
{
    std::array<std::uint8_t, 3> out{};
    CHECK(base64_decode_into("Zm9v", out));
    CHECK(out == std::array<std::uint8_t, 3>{'f', 'o', 'o'});
    CHECK(base64_decode_into("Zm8", out).error() == Errc::bad_base64);
    CHECK(base64_decode_into("Zm9vYg", out).error() == Errc::bad_base64);
    CHECK(base64_decode_into("Zm9vY", out).error() == Errc::bad_base64);
    CHECK(base64_decode_into("", out).error() == Errc::bad_base64);
    CHECK(base64_decode_into("", {}));
}

TEST_CASE("hexadecimal is lower case, both ways")
{
    const std::array<std::uint8_t, 4> in{0x00, 0x9f, 0xa0, 0xff};
    std::array<std::uint8_t, 4> out{};
    CHECK(hex_encode(in) == "009fa0ff");
    CHECK(hex_decode_into("009fa0ff", out));
    CHECK(out == in);
}

TEST_CASE("a number is 16 hexadecimal digits, both ways")
{
    CHECK(hex_encode(std::uint64_t{0x0123456789ABCDEF}) == "0123456789abcdef");
    CHECK(hex_decode_number("00000000000000ff").value() == 0xFF);
    for (const char* const text : {"", "ff", "00000000000000FF", "000000000000000ff"})
        CHECK(hex_decode_number(text).error() == Errc::bad_argument);
}

TEST_CASE("hexadecimal of a fixed size refuses upper case, other characters and any other size")
{
    std::array<std::uint8_t, 2> out{};
    for (const auto& text :
         {"009F"s, "00g0"s, "00 0"s, "0x00"s, "000"s, "00000"s, "0000 "s, ""s, "00\0\0"s}) {
        CAPTURE(text);
        CHECK(hex_decode_into(text, out).error() == Errc::bad_argument);
    }
}
