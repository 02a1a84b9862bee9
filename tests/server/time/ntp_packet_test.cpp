// The expected bytes were put together by hand from RFC 5905 §7.3.
#include "server/time/ntp_packet.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <vector>

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

// 2026-11-30 00:00:00.5 UTC: 1,795,996,800 s since 1970, 4,004,985,600 s (0xEEB73B00) since 1900.
constexpr SystemTime received{1'795'996'800s + 500ms};
constexpr SystemTime sent{received + 250ms};

NtpPacket request_with(unsigned first_byte)
{
    NtpPacket packet{};
    packet[0] = static_cast<std::uint8_t>(first_byte);
    packet[2] = 6;
    for (std::size_t i = 0; i < 8; ++i)
        packet.at(40 + i) = static_cast<std::uint8_t>(0xA0 + i);
    return packet;
}

std::vector<std::uint8_t> bytes_of(const NtpPacket& packet, std::size_t from, std::size_t count)
{
    return {packet.begin() + static_cast<std::ptrdiff_t>(from),
            packet.begin() + static_cast<std::ptrdiff_t>(from + count)};
}

using Bytes = std::vector<std::uint8_t>;

std::uint32_t dispersion_told(std::chrono::microseconds dispersion)
{
    NtpClock clock;
    clock.root_dispersion = dispersion;
    const NtpPacket packet = ntp_answer({}, clock, received, sent);
    std::uint32_t told = 0;
    for (std::size_t i = 8; i < 12; ++i)
        told = told << 8 | packet.at(i);
    return told;
}

} // namespace

TEST_CASE("a request of mode 3 in version 2, 3 or 4 is understood, with any leap indicator")
{
    for (const unsigned version : {2U, 3U, 4U})
        for (const unsigned leap : {0U, 1U, 2U, 3U}) {
            const auto request = parse_ntp_request(request_with(leap << 6 | version << 3 | 3U));
            REQUIRE(request);
            CHECK(*request == NtpRequest{version, 6, {0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7}});
        }
}

TEST_CASE("no other mode and no other version is a request")
{
    for (unsigned first = 0; first < 256; ++first) {
        const unsigned version = (first >> 3) & 7U;
        const bool expected = (first & 7U) == 3 && version >= 2 && version <= 4;
        INFO(first);
        CHECK(parse_ntp_request(request_with(first)).has_value() == expected);
    }
}

TEST_CASE("a request is exactly 48 bytes long, so one with extension fields or a MAC is none")
{
    Bytes bytes(200, 0);
    bytes[0] = 0x23;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        INFO(size);
        CHECK(parse_ntp_request(std::span{bytes.data(), size}).has_value() == (size == 48));
    }
}

TEST_CASE("an answer has each field in its place")
{
    const NtpRequest request{4, 6, {1, 2, 3, 4, 5, 6, 7, 8}};
    const NtpClock clock{.leap = 1,
                         .stratum = 8,
                         .reference_id = {'K', 'E', 'R', 'N'},
                         .root_dispersion = 1500ms,
                         .reference = SystemTime{1'795'996'799s}};
    const NtpPacket packet = ntp_answer(request, clock, received, sent);
    CHECK(bytes_of(packet, 0, 4) == Bytes{0x64, 8, 6, 0xEC}); // 01 100 100; 2^-20 s
    CHECK(bytes_of(packet, 4, 4) == Bytes{0, 0, 0, 0});
    CHECK(bytes_of(packet, 8, 4) == Bytes{0, 1, 0x80, 0});
    CHECK(bytes_of(packet, 12, 4) == Bytes{'K', 'E', 'R', 'N'});
    CHECK(bytes_of(packet, 16, 8) == Bytes{0xEE, 0xB7, 0x3A, 0xFF, 0, 0, 0, 0});
    CHECK(bytes_of(packet, 24, 8) == Bytes{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(bytes_of(packet, 32, 8) == Bytes{0xEE, 0xB7, 0x3B, 0x00, 0x80, 0, 0, 0});
    CHECK(bytes_of(packet, 40, 8) == Bytes{0xEE, 0xB7, 0x3B, 0x00, 0xC0, 0, 0, 0});
}

TEST_CASE("an answer repeats the version and is itself no request")
{
    for (const unsigned version : {2U, 3U, 4U}) {
        const NtpPacket packet = ntp_answer({version, 0, {}}, {}, received, sent);
        CHECK(packet[0] == (3U << 6 | version << 3 | 4U));
        CHECK_FALSE(parse_ntp_request(packet));
    }
}

TEST_CASE("a clock that was never right has no reference time")
{
    CHECK(bytes_of(ntp_answer({}, {}, received, sent), 16, 8) == Bytes(8, 0));
}

TEST_CASE("the dispersion is rounded up to 1/65536 s and never wraps around")
{
    CHECK(dispersion_told(0us) == 0);
    CHECK(dispersion_told(1us) == 1);
    CHECK(dispersion_told(16s) == 16U << 16);
    CHECK(dispersion_told(16s + 1us) == (16U << 16) + 1);
    CHECK(dispersion_told(65535s) == 65535U << 16);
    CHECK(dispersion_told(65536s) == 0xFFFFFFFF);
    CHECK(dispersion_told(std::chrono::microseconds::max()) == 0xFFFFFFFF);
    CHECK(dispersion_told(-1us) == 0);
}

TEST_CASE("time stamps are right before, at and after the end of era 0")
{
    CHECK(ntp_timestamp(SystemTime{}) == std::uint64_t{2'208'988'800} << 32);
    CHECK(ntp_timestamp(SystemTime{-1ns}) == ((std::uint64_t{2'208'988'799} << 32) + 0xFFFFFFFBU));
    CHECK(ntp_timestamp(SystemTime{-2'208'988'800s}) == 0);
    // 2036-02-07 06:28:16 UTC (RFC 5905 figure 4)
    constexpr SystemTime era_1{2'085'978'496s};
    CHECK(ntp_timestamp(era_1 - 1s) == std::uint64_t{0xFFFFFFFF} << 32);
    CHECK(ntp_timestamp(era_1) == 0);
    CHECK(ntp_timestamp(era_1 + 1s + 500ms) == 0x1'8000'0000U);
    // 2100-01-01 00:00:00 UTC
    CHECK(ntp_timestamp(SystemTime{4'102'444'800s}) ==
          std::uint64_t{4'102'444'800 + 2'208'988'800 - 4'294'967'296} << 32);
}
