#include "server/ipc/control.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server::ipc;

namespace {

constexpr std::size_t longest_text = 32 * 1024;

std::vector<Order> orders()
{
    const std::string longest(longest_text, 'x');
    return {
        Configure{"data = /srv\n", "certificate", secret_text("key"), secret_text(std::string(32, '\0')), 3},
        Configure{},
        Configure{longest, longest, secret_text(longest), {}},
        Connect{},
        Connect{~0U},
        Stop{},
        Ping{}};
}

std::vector<Report> reports()
{
    return {Ready{},
            Ready{~0ULL, "Landlock ABI 7, seccomp", {}},
            Ready{1, "nothing", "Landlock is not in force\nseccomp is not in force"},
            Failed{"users.db:3: not a password hash\nusers.db:4: the same"},
            Failed{},
            Alive{},
            ChannelLost{~0U},
            TimeLimitHit{~0ULL, "2001:db8::"}};
}

} // namespace

TEST_CASE("every order and report comes out as it went in, within the bound of a packet")
{
    for (const Order& order : orders()) {
        CHECK(encode(order).size() <= max_control_bytes);
        CHECK((decode_order(encode(order)).value() == order));
    }
    for (const Report& report : reports())
        CHECK((decode_report(encode(report)).value() == report));
}

TEST_CASE("no truncated order or report is understood, and none with a byte too many")
{
    for (const Order& order : orders()) {
        SecretText packet = encode(order);
        for (std::size_t size = 0; size < std::min<std::size_t>(packet.size(), 512); ++size)
            CHECK(decode_order({packet.data(), size}).error() == Errc::bad_message);
        CHECK_FALSE(decode_order({packet.data(), packet.size() - 1}));
        packet.push_back('\0');
        CHECK_FALSE(decode_order(packet));
    }
    for (const Report& report : reports()) {
        SecretText packet = encode(report);
        for (std::size_t size = 0; size < packet.size(); ++size)
            CHECK(decode_report({packet.data(), size}).error() == Errc::bad_message);
        packet.push_back('\0');
        CHECK_FALSE(decode_report(packet));
    }
}

TEST_CASE("an order is no report, and a report no order")
{
    for (const Order& order : orders())
        CHECK_FALSE(decode_report(encode(order)));
    for (const Report& report : reports())
        CHECK_FALSE(decode_order(encode(report)));
}

TEST_CASE("a description of the lockdown beyond the bound is neither sent nor understood")
{
    const std::string longest(1024, 'x');
    CHECK(decode_report(encode(Report{Ready{0, longest, longest}})));
    CHECK_THROWS_AS(encode(Report{Ready{0, longest + 'x', {}}}), std::length_error);
    CHECK_THROWS_AS(encode(Report{Ready{0, {}, longest + 'x'}}), std::length_error);
    SecretText packet = encode(Report{Ready{0, longest, {}}});
    // The length, in the two bytes before the text, is one more, and so is the text.
    packet[10] = '\x01';
    packet.insert(packet.begin() + 11, 'x');
    CHECK_FALSE(decode_report(packet));
}

TEST_CASE("settings beyond the bound are not sent, and a reason beyond it is cut")
{
    CHECK_THROWS_AS(encode(Order{Configure{std::string(longest_text + 1, 'x'), {}, {}, {}}}),
                    std::length_error);
    const auto report = decode_report(encode(Report{Failed{std::string(longest_text + 1, 'x')}})).value();
    CHECK(std::get<Failed>(report).reason.size() == longest_text);
}
