#include "server/transport/admission.hpp"

#include "support/catch.hpp"

#include <map>
#include <set>
#include <string>

using namespace ftpc::server;
using LogIn = Admission::LogIn;

namespace {

// An address of its own network for each number.
PeerNetwork network(unsigned number)
{
    PeerNetwork address{};
    address[14] = static_cast<std::uint8_t>(number >> 8);
    address[15] = static_cast<std::uint8_t>(number);
    return address;
}

AdmissionBounds wide()
{
    return {.connections = 1000,
            .connections_per_address = 1000,
            .unauthenticated = 1000,
            .sessions_per_user = 1000};
}

// Always the first of those that the lot could fall on.
std::size_t first(std::size_t)
{
    return 0;
}

constexpr unsigned attacker = 1;
constexpr unsigned friendly = 2;

} // namespace

TEST_CASE("connections within the bounds come in and nobody leaves")
{
    Admission admission{wide()};
    for (ConnectionId id = 1; id <= 20; ++id)
        CHECK_FALSE(admission.arrive(id, network(static_cast<unsigned>(id % 3))).leaves);
    CHECK(admission.connections() == 20);
    CHECK(admission.unauthenticated() == 20);
    for (ConnectionId id = 1; id <= 20; ++id)
        admission.leave(id);
    CHECK(admission.connections() == 0);
    CHECK(admission.unauthenticated() == 0);
}

TEST_CASE("a user gets in while one network holds every place of those that are not logged in")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 5;
    Admission admission{bounds};
    for (ConnectionId id = 1; id <= 5; ++id)
        CHECK_FALSE(admission.arrive(id, network(attacker)).leaves);
    const auto arrival = admission.arrive(100, network(friendly));
    REQUIRE(arrival.leaves);
    CHECK(arrival.bound == Bound::unauthenticated);
    CHECK(*arrival.leaves <= 5);
    CHECK(admission.unauthenticated() == 5);

    SECTION("and stays while it goes on coming")
    {
        for (ConnectionId id = 200; id < 5000; ++id) {
            const auto next = admission.arrive(id, network(attacker));
            REQUIRE(next.leaves);
            REQUIRE(*next.leaves != 100);
        }
        CHECK(admission.log_in(100, "alice") == LogIn::done);
    }
}

TEST_CASE("if all networks have as many, each connection's chance is the same, the newcomer's included")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 4;
    std::map<ConnectionId, int> left;
    for (int round = 0; round < 5000; ++round) {
        Admission admission{bounds};
        for (ConnectionId id = 1; id <= 4; ++id)
            admission.arrive(id, network(static_cast<unsigned>(id)));
        ++left[admission.arrive(5, network(5)).leaves.value()];
    }
    REQUIRE(left.size() == 5);
    for (const auto& [id, times] : left) {
        CHECK(times > 700); // 1,000 expected; so far off once in 10^26 runs
        CHECK(times < 1300);
    }
}

TEST_CASE("a connection that has to go counts as leaving until it has left, and is drawn once")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 2;
    Admission admission{bounds, first};
    std::set<ConnectionId> drawn;
    for (ConnectionId id = 1; id <= 10; ++id)
        if (const auto arrival = admission.arrive(id, network(attacker)); arrival.leaves)
            CHECK(drawn.insert(*arrival.leaves).second);
    CHECK(drawn.size() == 8);
    CHECK(admission.leaving() == 8);
    CHECK(admission.connections() == 2);
    const auto one = *drawn.begin();
    CHECK(admission.log_in(one, "alice") == LogIn::gone);
    admission.leave(one);
    admission.leave(one);
    CHECK(admission.leaving() == 7);
    for (ConnectionId id = 1; id <= 10; ++id)
        admission.leave(id);
    CHECK(admission.leaving() == 0);
    CHECK(admission.connections() == 0);
    CHECK(admission.take_most_connections() == 3);
    CHECK(admission.take_most_connections() == 0);
}

TEST_CASE("a logged-in connection is never sacrificed")
{
    AdmissionBounds bounds = wide();
    bounds.connections = 3;
    Admission admission{bounds};
    for (ConnectionId id = 1; id <= 3; ++id) {
        admission.arrive(id, network(friendly));
        REQUIRE(admission.log_in(id, "alice") == LogIn::done);
    }
    const auto arrival = admission.arrive(4, network(attacker));
    CHECK(arrival.leaves == ConnectionId{4});
    CHECK(arrival.bound == Bound::connections);
    CHECK_FALSE(admission.make_room());
    CHECK(admission.connections() == 3);
}

TEST_CASE("connections in all: a newcomer takes the place of one that is not logged in")
{
    AdmissionBounds bounds = wide();
    bounds.connections = 3;
    Admission admission{bounds, first};
    admission.arrive(1, network(friendly));
    REQUIRE(admission.log_in(1, "alice") == LogIn::done);
    admission.arrive(2, network(attacker));
    admission.arrive(3, network(attacker));
    CHECK(admission.arrive(4, network(friendly)).leaves == ConnectionId{2});
    CHECK(admission.connections() == 3);
}

TEST_CASE("a network has no more connections than allowed, and only its own pay for it")
{
    AdmissionBounds bounds = wide();
    bounds.connections_per_address = 2;
    Admission admission{bounds};
    admission.arrive(10, network(friendly));
    admission.arrive(11, network(friendly));
    admission.arrive(1, network(attacker));
    admission.arrive(2, network(attacker));
    for (ConnectionId id = 300; id < 400; ++id) {
        const auto arrival = admission.arrive(id, network(attacker));
        REQUIRE(arrival.leaves);
        REQUIRE(arrival.bound == Bound::connections_per_address);
        REQUIRE(*arrival.leaves != 10);
        REQUIRE(*arrival.leaves != 11);
    }
    CHECK(admission.connections() == 4);

    SECTION("those that are logged in count and stay")
    {
        REQUIRE(admission.log_in(10, "alice") == LogIn::done);
        REQUIRE(admission.log_in(11, "alice") == LogIn::done);
        CHECK(admission.arrive(200, network(friendly)).leaves == ConnectionId{200});
    }
    SECTION("a place that becomes free can be taken")
    {
        admission.leave(10);
        CHECK_FALSE(admission.arrive(200, network(friendly)).leaves);
    }
}

TEST_CASE("a user has no more sessions than allowed")
{
    AdmissionBounds bounds = wide();
    bounds.sessions_per_user = 2;
    Admission admission{bounds};
    for (ConnectionId id = 1; id <= 4; ++id)
        admission.arrive(id, network(friendly));
    CHECK(admission.log_in(1, "alice") == LogIn::done);
    CHECK(admission.log_in(2, "alice") == LogIn::done);
    CHECK(admission.log_in(3, "alice") == LogIn::too_many_sessions);
    CHECK(admission.unauthenticated() == 2);
    CHECK(admission.log_in(4, "bob") == LogIn::done);

    SECTION("logging in again on the same connection is no further session")
    {
        CHECK(admission.log_in(2, "alice") == LogIn::done);
    }
    SECTION("the end of a connection makes room")
    {
        admission.leave(1);
        CHECK(admission.log_in(3, "alice") == LogIn::done);
    }
    SECTION("so does logging out, and the connection is then one of the others again")
    {
        admission.log_out(1);
        CHECK(admission.unauthenticated() == 2);
        CHECK(admission.log_in(3, "alice") == LogIn::done);
        CHECK(admission.log_in(1, "alice") == LogIn::too_many_sessions);
    }
}

TEST_CASE("a connection that had to go cannot log in, and its end changes nothing")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 1;
    Admission admission{bounds, first};
    admission.arrive(1, network(attacker));
    REQUIRE(admission.arrive(2, network(attacker)).leaves == ConnectionId{1});
    CHECK(admission.log_in(1, "alice") == LogIn::gone);
    admission.leave(1);
    CHECK(admission.connections() == 1);
}

TEST_CASE("bounds can be changed while connections are there")
{
    Admission admission{wide(), first};
    for (ConnectionId id = 1; id <= 5; ++id)
        admission.arrive(id, network(attacker));
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 3;
    admission.set_bounds(bounds);
    CHECK(admission.unauthenticated() == 5);
    CHECK(admission.arrive(6, network(friendly)).leaves == ConnectionId{1});
    CHECK(admission.unauthenticated() == 5);
}

TEST_CASE("room is made at the expense of the network with most connections that are not logged in")
{
    Admission admission{wide()};
    for (ConnectionId id = 1; id <= 10; ++id)
        admission.arrive(id, network(id <= 3 ? friendly : attacker));
    for (int i = 0; i < 4; ++i)
        CHECK(admission.make_room().value() > 3);
    CHECK(admission.unauthenticated() == 6);
}

TEST_CASE("the books are right after any coming and going")
{
    AdmissionBounds bounds{
        .connections = 60, .connections_per_address = 12, .unauthenticated = 30, .sessions_per_user = 9};
    Admission admission{bounds};
    std::set<ConnectionId> there;
    unsigned state = 1;
    const auto number = [&state](unsigned below) {
        state = state * 1664525 + 1013904223;
        return (state >> 8) % below;
    };
    for (ConnectionId id = 1; id <= 20000; ++id) {
        const auto arrival = admission.arrive(id, network(number(9)));
        there.insert(id);
        if (arrival.leaves) REQUIRE(there.erase(*arrival.leaves) == 1);
        const auto some = std::next(there.begin(), number(static_cast<unsigned>(there.size())));
        switch (number(4)) {
        case 0:
            admission.leave(*some);
            there.erase(some);
            break;
        case 1:
            admission.log_in(*some, "user" + std::to_string(number(5)));
            break;
        case 2:
            admission.log_out(*some);
            break;
        default:
            break;
        }
        REQUIRE(admission.connections() == there.size());
        REQUIRE(there.size() <= 60);
    }
    for (const ConnectionId id : there)
        admission.leave(id);
    CHECK(admission.connections() == 0);
    CHECK(admission.unauthenticated() == 0);
    CHECK_FALSE(admission.make_room());
}

TEST_CASE("a flood from many networks keeps no user out of a network that has logged in before")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 20;
    Admission admission{bounds, first};
    admission.arrive(1, network(friendly));
    REQUIRE(admission.log_in(1, "alice") == LogIn::done);
    admission.leave(1);
    admission.arrive(2, network(friendly));
    for (unsigned i = 0; i < 1000; ++i)
        CHECK(admission.arrive(100 + i, network(100 + i)).leaves != 2);
    CHECK(admission.log_in(2, "alice") == LogIn::done);
}

TEST_CASE("a network that has logged in before is spared for its first connections only")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 20;
    Admission admission{bounds, first};
    admission.arrive(1, network(friendly));
    REQUIRE(admission.log_in(1, "alice") == LogIn::done);
    for (ConnectionId id = 2; id <= 21; ++id)
        admission.arrive(id, network(friendly));
    const auto arrival = admission.arrive(22, network(attacker));
    REQUIRE(arrival.leaves);
    CHECK(*arrival.leaves <= 21); // it has more than the newcomer
}

TEST_CASE("the lot falls on spared networks if there are no others")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 2;
    Admission admission{bounds, first};
    for (ConnectionId id = 1; id <= 3; ++id) {
        admission.arrive(id, network(static_cast<unsigned>(id)));
        REQUIRE(admission.log_in(id, "alice") == LogIn::done);
    }
    admission.arrive(11, network(1));
    admission.arrive(12, network(2));
    CHECK(admission.arrive(13, network(3)).leaves);
    CHECK(admission.unauthenticated() == 2);
}

TEST_CASE("the oldest network that has logged in is forgotten for the newest")
{
    AdmissionBounds bounds = wide();
    bounds.unauthenticated = 1;
    bounds.sessions_per_user = Admission::most_trusted + 2;
    Admission admission{bounds, first};
    for (unsigned i = 0; i <= Admission::most_trusted; ++i) {
        admission.arrive(i, network(i));
        REQUIRE(admission.log_in(i, "alice") == LogIn::done);
        admission.leave(i);
    }
    admission.arrive(10001, network(0)); // no longer spared
    CHECK(admission.arrive(10002, network(1)).leaves == 10001);
}
