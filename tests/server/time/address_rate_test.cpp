#include "server/time/address_rate.hpp"

#include "support/catch.hpp"

#include <string>

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr AddressRate::Secret secret{0x0123456789ABCDEF, 0xFEDCBA9876543211};
constexpr AddressRate::Time begin{1000s};

PeerNetwork network(const std::string& address)
{
    return network_of(parse_address(address).value());
}

// One of as many networks as there are numbers.
PeerNetwork network(std::uint32_t number)
{
    PeerNetwork made{0x20, 1};
    for (std::size_t i = 0; i < 4; ++i)
        made.at(4 + i) = static_cast<std::uint8_t>(number >> (8 * i));
    return made;
}

unsigned passed(AddressRate& rate, const PeerNetwork& from, unsigned requests, AddressRate::Time now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < requests; ++i)
        count += rate.pass(from, now) ? 1 : 0;
    return count;
}

} // namespace

TEST_CASE("an address has 64 requests at once, and then 16 a second")
{
    AddressRate rate{secret};
    const PeerNetwork client = network("192.0.2.7");
    CHECK(passed(rate, client, 1000, begin) == 64);
    CHECK(passed(rate, client, 1000, begin + 62ms) == 0);
    CHECK(passed(rate, client, 1000, begin + 63ms) == 1);
    CHECK(passed(rate, client, 1000, begin + 1s) == 15);
    CHECK(passed(rate, client, 1000, begin + 2s) == 16);
    CHECK(passed(rate, client, 1000, begin + 6s) == 64);
    CHECK(passed(rate, client, 1000, begin + 1h) == 64);
}

TEST_CASE("a client that keeps to the rate is never refused")
{
    AddressRate rate{secret};
    const PeerNetwork client = network("192.0.2.7");
    unsigned count = 0;
    for (int i = 0; i < 10000; ++i)
        count += rate.pass(client, begin + i * 62500us) ? 1 : 0;
    CHECK(count == 10000);
}

TEST_CASE("requests that were refused do not count")
{
    AddressRate rate{secret};
    const PeerNetwork client = network("192.0.2.7");
    passed(rate, client, 100000, begin);
    CHECK(passed(rate, client, 100, begin + 1s) == 16);
}

TEST_CASE("each IPv4 address has a bound of its own, and each /64 has one for all its addresses")
{
    AddressRate rate{secret};
    CHECK(passed(rate, network("192.0.2.7"), 100, begin) == 64);
    CHECK(passed(rate, network("192.0.2.8"), 100, begin) == 64);
    CHECK(passed(rate, network("2001:db8::1"), 40, begin) == 40);
    CHECK(passed(rate, network("2001:db8::ffff:1"), 40, begin) == 24);
    CHECK(passed(rate, network("2001:db8:0:1::1"), 100, begin) == 64);
}

TEST_CASE("an address that is flooded stays bounded while a million forged ones come")
{
    AddressRate rate{secret};
    const PeerNetwork victim = network("192.0.2.7");
    unsigned answered = passed(rate, victim, 64, begin);
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        rate.pass(network(i), begin);
        if (i % 100 == 0) answered += rate.pass(victim, begin) ? 1 : 0;
    }
    CHECK(answered == 64);
}

TEST_CASE("a new address is answered while a million forged ones ask without end")
{
    AddressRate rate{secret};
    for (std::uint32_t i = 0; i < 1'000'000; ++i)
        rate.pass(network(i % 20000), begin);
    for (std::uint32_t i = 0; i < 100; ++i)
        CHECK(rate.pass(network(2'000'000 + i), begin));
}
