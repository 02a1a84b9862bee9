#include "server/ipc/wire.hpp"

#include "support/catch.hpp"

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server::ipc;

TEST_CASE("integers are written most significant byte first, texts with a two-byte length")
{
    PacketWriter out;
    out.fields(std::uint8_t{0x01}, std::uint32_t{0x02030405}, std::uint64_t{0x060708090A0B0C0D});
    out.text("ab", 2);
    out.field(std::array<std::uint8_t, 2>{0xFE, 0xFF});
    CHECK(view(out.take()) ==
          std::string_view("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\0\2ab\xFE\xFF", 19));
}

TEST_CASE("fields are read as they were written, and the packet is complete then")
{
    PacketWriter out;
    const std::vector<std::uint8_t> list{1, 0};
    out.fields(std::uint8_t{255}, ~0U, std::optional<std::uint64_t>{~0ULL - 1});
    out.text("text", 100);
    out.list(list, 2, [&](std::uint8_t element) { out.field(element); });
    const SecretText packet = out.take();
    PacketReader in{packet};
    std::uint8_t byte = 0;
    std::uint32_t number = 0;
    std::optional<std::uint64_t> large;
    in.fields(byte, number, large);
    CHECK(byte == 255);
    CHECK(number == ~0U);
    CHECK(large == ~0ULL - 1);
    CHECK(in.text(4) == "text");
    CHECK_FALSE(in.complete());
    std::vector<std::uint8_t> elements;
    in.list(elements, 2, [&](std::uint8_t& element) { in.field(element); });
    CHECK(elements == std::vector<std::uint8_t>{1, 0});
    CHECK(in.complete());
}

TEST_CASE("reading beyond the end gives zeros and is never forgotten")
{
    const std::string packet = "\x01\x02\x03";
    PacketReader in{packet};
    std::uint32_t number = 7;
    std::uint8_t byte = 7;
    in.field(number);
    CHECK(number == 0);
    CHECK_FALSE(in.ok());
    in.field(byte);
    CHECK(byte == 0);
    CHECK(in.text(10).empty());
    std::array<std::uint8_t, 2> bytes{7, 7};
    in.field(bytes);
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

TEST_CASE("a list beyond its bound is neither written nor read")
{
    PacketWriter out;
    const std::vector<std::uint8_t> list{1, 2, 3};
    const auto write = [&](std::uint8_t element) { out.field(element); };
    CHECK_THROWS_AS(out.list(list, 2, write), std::length_error);
    out.list(list, 3, write);
    const SecretText packet = out.take();
    PacketReader in{packet};
    std::vector<std::uint8_t> read;
    in.list(read, 2, [&](std::uint8_t& element) { in.field(element); });
    CHECK(read.empty());
    CHECK_FALSE(in.ok());
}

TEST_CASE("a flag is 0 or 1, and no number comes without its flag")
{
    bool flag = false;
    PacketReader two{std::string_view{"\x02"}};
    two.field(flag);
    CHECK_FALSE(two.ok());
    std::optional<std::uint64_t> none;
    PacketReader number_without_flag{std::string_view{"\0\0\0\0\0\0\0\0\1", 9}};
    number_without_flag.field(none);
    CHECK_FALSE(none);
    CHECK_FALSE(number_without_flag.ok());
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
