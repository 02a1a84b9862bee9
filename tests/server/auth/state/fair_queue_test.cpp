#include "server/auth/state/fair_queue.hpp"

#include "support/catch.hpp"

#include <string>

using namespace ftpc::server;

namespace {

ipc::PeerAddress ipv4(std::uint8_t last)
{
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, last};
}

ipc::PeerAddress ipv6(std::uint8_t network, std::uint8_t host)
{
    return {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host};
}

// A queue of letters.
struct Queue {
    std::string ran;
    std::string refused;
    FairQueue queue{4};

    void push(const ipc::PeerAddress& peer, char letter, LoginRank rank = 1)
    {
        if (auto job = queue.push(peer, rank,
                                  {[this, letter] { ran += letter; }, [this, letter] { refused += letter; }}))
            job->refuse();
    }
    std::string run_all()
    {
        while (auto job = queue.pop())
            job->run();
        return ran;
    }
};

} // namespace

TEST_CASE_METHOD(Queue, "one address is served in the order in which its logins came")
{
    for (const char letter : {'a', 'b', 'c'})
        push(ipv4(1), letter);
    CHECK(queue.size() == 3);
    CHECK(run_all() == "abc");
    CHECK(queue.size() == 0);
    CHECK_FALSE(queue.pop());
}

TEST_CASE_METHOD(Queue, "addresses take turns")
{
    for (const char letter : {'a', 'b', 'c'})
        push(ipv4(1), letter);
    push(ipv4(2), 'x');
    CHECK(run_all() == "axbc");
}

TEST_CASE_METHOD(Queue, "an address that comes back waits for its turn again")
{
    push(ipv4(1), 'a');
    push(ipv4(1), 'b');
    push(ipv4(2), 'x');
    queue.pop()->run();
    push(ipv4(2), 'y');
    CHECK(run_all() == "axby");
}

TEST_CASE_METHOD(Queue, "all of an IPv6 /64 is one address, and each IPv4 address its own")
{
    push(ipv6(1, 1), 'a');
    push(ipv6(1, 2), 'b');
    push(ipv6(2, 1), 'x');
    push(ipv4(1), 'y');
    CHECK(run_all() == "axyb");
}

TEST_CASE_METHOD(Queue, "a full queue refuses the address that fills it")
{
    for (const char letter : {'a', 'b', 'c', 'd', 'e'})
        push(ipv4(1), letter);
    CHECK(refused == "e");
    CHECK(run_all() == "abcd");
}

TEST_CASE_METHOD(Queue, "in a full queue a newcomer replaces the newest job of the longest line")
{
    for (const char letter : {'a', 'b', 'c', 'd'})
        push(ipv4(1), letter);
    push(ipv4(2), 'x');
    CHECK(refused == "d");
    push(ipv4(2), 'y');
    CHECK(refused == "dc");
    push(ipv4(2), 'z'); // no more than the other has
    CHECK(refused == "dcz");
    CHECK(queue.size() == 4);
    CHECK(run_all() == "axby");
}

TEST_CASE_METHOD(Queue, "a smaller capacity lets waiting jobs stay")
{
    push(ipv4(1), 'a');
    push(ipv4(1), 'b');
    queue.set_capacity(1);
    push(ipv4(1), 'c');
    CHECK(refused == "c");
    CHECK(run_all() == "ab");
}

TEST_CASE_METHOD(Queue, "a better rank goes first, even if it came later")
{
    push(ipv4(1), 'c', 2);
    push(ipv4(2), 'b', 1);
    push(ipv4(3), 'd', 2);
    push(ipv4(1), 'a', 0);
    CHECK(run_all() == "abcd");
}

TEST_CASE_METHOD(Queue,
                 "in a full queue a better rank takes a place from the worst, and a worse one gets none")
{
    for (const char letter : {'a', 'b', 'c', 'd'})
        push(ipv4(static_cast<std::uint8_t>(letter)), letter, 3);
    push(ipv4(1), 'x', 4);
    CHECK(refused == "x");
    push(ipv4(1), 'y', 1);
    CHECK(refused.size() == 2);
    CHECK(queue.size() == 4);
    CHECK(run_all().front() == 'y');
}

TEST_CASE_METHOD(Queue, "all waiting jobs of one address can be taken out, of any rank")
{
    push(ipv4(1), 'a', 1);
    push(ipv4(2), 'x', 1);
    push(ipv4(1), 'b', 2);
    CHECK(queue.take_all_of(ipv4(1)).size() == 2);
    CHECK(queue.size() == 1);
    push(ipv4(1), 'c', 1);
    CHECK(run_all() == "xc");
}
