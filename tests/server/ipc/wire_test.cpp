#include "server/ipc/wire.hpp"

#include "support/catch.hpp"

#include <array>
#include <stdexcept>
#include <string>

using namespace ftpc;
using namespace ftpc::server::ipc;

TEST_CASE("integers are written most significant byte first, texts with a two-byte length")
{
    PacketWriter out;
    out.u8(0x01);
    out.u32(0x02030405);
    out.u64(0x060708090A0B0C0D);
    out.text("ab", 2);
    out.bytes(std::array<std::uint8_t, 2>{0xFE, 0xFF});
    CHECK(view(out.take()) ==
          std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\0\2ab\xFE\xFF", 19));
}

TEST_CASE("fields are read as they were written, and the packet is complete then")
{
    PacketWriter out;
    out.u8(255);
    out.u32(~0U);
    out.u64(~0ULL - 1);
    out.text("text", 100);
    out.u8(1);
    const SecretText packet = out.take();
    PacketReader in{packet};
    CHECK(in.u8() == 255);
    CHECK(in.u32() == ~0U);
    CHECK(in.u64() == ~0ULL - 1);
    CHECK(in.text(4) == "text");
    CHECK_FALSE(in.complete());
    CHECK(in.flag());
    CHECK(in.complete());
}

TEST_CASE("reading beyond the end gives zeros and is never forgotten")
{
    const std::string packet = "\x01\x02\x03";
    PacketReader in{packet};
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);
    CHECK(in.text(10).empty());
    std::array<std::uint8_t, 2> bytes{7, 7};
    in.bytes(bytes);
    CHECK(bytes == std::array<std::uint8_t, 2>{7, 7});
    CHECK_FALSE(in.complete());
}

TEST_CASE("a text beyond its bound is neither written nor read")
{
    PacketWriter out;
    CHECK_THROWS_AS(out.text("abc", 2), std::length_error);
    out.text("abc", 3);
    const SecretText packet = out.take();
    PacketReader in{packet};
    CHECK(in.text(2).empty());
    CHECK_FALSE(in.ok());
}

TEST_CASE("a text that claims more than the packet holds is not read")
{
    const std::string packet{"\x00\x05"
                             "abcd",
                             6};
    PacketReader in{packet};
    CHECK(in.text(100).empty());
    CHECK_FALSE(in.ok());
}
