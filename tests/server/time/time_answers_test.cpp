#include "server/time/time_answers.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr SystemTime received{1'795'996'800s + 999ms};
constexpr SystemTime sent{received + 2ms};
constexpr AddressRate::Time now{1000s};

struct TimeAnswersTest {
    bool lucky = false;
    TimeAnswers answers{{1, 2}, [this] { return lucky; }};
    NtpPacket packet{0x23};
    TimeText text{};

    static TimeRequest from(const std::string& address, std::uint16_t port,
                            std::span<const std::uint8_t> bytes)
    {
        return {bytes, parse_address(address).value(), port, received};
    }
    auto ntp(std::uint16_t port = 123, const std::string& address = "192.0.2.7")
    {
        return answers.to_ntp(from(address, port, packet), sent, now);
    }
    std::string text_of(std::string_view format, std::uint16_t port = 40000,
                        const std::string& address = "192.0.2.7")
    {
        const std::span bytes{reinterpret_cast<const std::uint8_t*>(format.data()), format.size()};
        return std::string{answers.to_text(from(address, port, bytes), sent, now, text)};
    }
};

} // namespace

TEST_CASE_METHOD(TimeAnswersTest, "an answer of NTP describes the clock and has both time stamps")
{
    const NtpClock clock{0, 10, {'L', 'O', 'C', 'L'}, 0us, received};
    answers.set_clock(clock);
    CHECK(ntp() == ntp_answer({4, 0, {}}, clock, received, sent));
}

TEST_CASE_METHOD(TimeAnswersTest, "a clock that was not described yet is not synchronised")
{
    CHECK((ntp().value()[0] >> 6) == 3);
    CHECK(ntp().value()[1] == 0);
}

TEST_CASE_METHOD(TimeAnswersTest, "the text is the time of its own sending")
{
    CHECK(text_of("%s") == "1795996801");
    CHECK(text_of("%%") == "?");
    CHECK(text_of("2026").empty());
}

TEST_CASE_METHOD(TimeAnswersTest, "ports of services that answer everything get no answer, nor does port 0")
{
    for (const auto port : std::array<std::uint16_t, 7>{0, 7, 13, 19, 37, 53, 122})
        CHECK_FALSE(ntp(port));
    CHECK(ntp(123));
    for (const auto port : std::array<std::uint16_t, 8>{0, 7, 19, 37, 53, 123, 389, 1023})
        CHECK(text_of("%Y", port).empty());
    CHECK_FALSE(text_of("%Y", 1024).empty());
}

TEST_CASE_METHOD(TimeAnswersTest, "no answer of either service is a request to the same or the other one")
{
    CHECK_FALSE(answers.to_ntp(from("192.0.2.7", 123, ntp().value()), sent, now));
    const NtpPacket answer = ntp().value();
    CHECK(text_of({reinterpret_cast<const char*>(answer.data()), answer.size()}).empty());
    for (const std::string_view format : {"%Y", "%c", "%%", "%Z", "%"})
        CHECK(text_of(text_of(format)).empty());
}

TEST_CASE_METHOD(TimeAnswersTest,
                 "beyond the bound of its address NTP answers by lot, and the text service not at all")
{
    for (int i = 0; i < 64; ++i) {
        CHECK(ntp());
        CHECK_FALSE(text_of("%Y").empty());
    }
    CHECK(answers.limit_hits().count == 0);
    CHECK_FALSE(ntp());
    CHECK(text_of("%Y").empty());
    lucky = true;
    CHECK(ntp());
    CHECK(text_of("%Y").empty());
    // Only what was left without an answer counts.
    CHECK(answers.limit_hits() == LimitHits{3, network_of(parse_address("192.0.2.7").value())});
    CHECK(ntp(123, "192.0.2.8"));
}

TEST_CASE_METHOD(TimeAnswersTest, "a datagram that is no request does not count")
{
    packet[0] = 0x24;
    for (int i = 0; i < 1000; ++i) {
        ntp();
        text_of("2026");
    }
    packet[0] = 0x23;
    CHECK(ntp());
    CHECK_FALSE(text_of("%Y").empty());
    CHECK(answers.limit_hits().count == 0);
}
