#include "server/listening/listening_addresses.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace ftpc::server;

namespace {

using Words = std::vector<std::string>;

// The sockets that are planned; with "+" those of [::] that take IPv4 clients, too.
Words planned(const Words& where)
{
    Words texts;
    for (const ListeningAddress& address : plan_listening(where).addresses)
        texts.push_back(address.text() + (address.both_families ? "+" : ""));
    return texts;
}

} // namespace

TEST_CASE("the wildcard of IPv6 includes IPv4, unless an address of IPv4 is given for its port")
{
    CHECK(planned({"[::]:2121"}) == Words{"[::]:2121+"});
    CHECK(planned({"0.0.0.0:2121", "[::]:2121"}) == Words{"0.0.0.0:2121", "[::]:2121"});
    CHECK(planned({"[::]:2121", "127.0.0.1:2121"}) == Words{"[::]:2121", "127.0.0.1:2121"});
    CHECK(planned({"[::]:2121", "127.0.0.1:2122"}) == Words{"[::]:2121+", "127.0.0.1:2122"});
}

TEST_CASE("all addresses are those of both families, and include all others")
{
    for (const char* const all : {":2121", "*:2121"}) {
        CHECK(planned({all}) == Words{"[::]:2121+"});
        CHECK(planned({"127.0.0.1:2121", "[::1]:2121", all}) == Words{"[::]:2121+"});
        CHECK(planned({"0.0.0.0:2121", "[::]:2121", all}) == Words{"[::]:2121+"});
    }
}

TEST_CASE("an address that is given twice has one socket, also in other words")
{
    CHECK(planned({"127.0.0.1:2121", "127.0.0.1:2121"}) == Words{"127.0.0.1:2121"});
    CHECK(planned({"127.0.0.1:2121", "[::ffff:127.0.0.1]:2121"}) == Words{"127.0.0.1:2121"});
    CHECK(planned({"[0:0:0:0:0:0:0:1]:2121", "[::1]:2121"}) == Words{"[::1]:2121"});
    CHECK(planned({"0.0.0.0:2121", "127.0.0.1:2121"}) == Words{"0.0.0.0:2121"});
    CHECK(planned({"localhost:2121", "localhost:2121"}) == planned({"localhost:2121"}));
    CHECK(planned({"[::ffff:0.0.0.0]:2121", "[::]:2121"}) == Words{"0.0.0.0:2121", "[::]:2121"});
}

TEST_CASE("two addresses overlap if one includes the other, for one port that is not taken freely")
{
    const auto overlap_of = [](const std::string& one, const std::string& other) {
        const auto first = plan_listening({one}).addresses.front();
        const auto second = plan_listening({other}).addresses.front();
        CHECK(overlap(first, second) == overlap(second, first));
        return overlap(first, second);
    };
    CHECK(overlap_of("*:2123", "*:2123"));
    CHECK(overlap_of("*:2123", "127.0.0.1:2123"));
    CHECK(overlap_of("[::]:2123", "127.0.0.1:2123"));
    CHECK(overlap_of("127.0.0.1:2123", "127.0.0.1:2123"));
    CHECK_FALSE(overlap_of("*:123", "*:2123"));
    CHECK_FALSE(overlap_of("127.0.0.1:2123", "127.0.0.2:2123"));
    CHECK_FALSE(overlap_of("0.0.0.0:2123", "[::1]:2123"));
    CHECK_FALSE(overlap_of("*:0", "*:0"));
}

TEST_CASE("free ports are taken as often as they are asked for")
{
    CHECK(planned({"127.0.0.1:0", "127.0.0.1:0"}).size() == 2);
    CHECK(planned({"0.0.0.0:0", "[::]:0"}) == Words{"0.0.0.0:0", "[::]:0+"});
}

TEST_CASE("link-local addresses differ by their interface")
{
    CHECK(planned({"[fe80::1%1]:2121", "[fe80::1%1]:2121"}).size() == 1);
    CHECK(planned({"[fe80::1%1]:2121", "[fe80::1%2]:2121"}).size() == 2);
}
