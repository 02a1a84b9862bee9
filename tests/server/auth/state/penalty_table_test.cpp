#include "server/auth/state/penalty_table.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

using Key = PenaltyTable::Key;

Key key(std::uint8_t number)
{
    return {number};
}
constexpr Key cause{0xCC};
constexpr Key other_cause{0xDD};

struct Table {
    Moment now{std::chrono::hours{24 * 365 * 50}};
    PenaltyTable table{4, {.free = 3, .forget = 600s, .first = 60s, .longest = 300s}};

    void fail(std::uint8_t number, int times = 1, const Key& at = cause)
    {
        for (int i = 0; i < times; ++i)
            table.fail(key(number), at, now);
    }
    std::chrono::milliseconds left(std::uint8_t number) { return table.penalty_end(key(number), now) - now; }
};

} // namespace

TEST_CASE_METHOD(Table, "some failures are free, then each penalty is twice as long, up to the longest")
{
    const std::chrono::seconds expected[] = {0s, 0s, 0s, 60s, 120s, 240s, 300s, 300s};
    for (const auto seconds : expected) {
        fail(1);
        CHECK(left(1) == seconds);
    }
    CHECK(left(2) == 0s);
}

TEST_CASE_METHOD(Table, "failures are forgotten one by one")
{
    fail(1, 4);
    CHECK(table.failures(key(1), now) == 4);
    now += 599s;
    CHECK(table.failures(key(1), now) == 4);
    now += 1s;
    CHECK(table.failures(key(1), now) == 3);
    CHECK(left(1) <= 0s);
    fail(1);
    CHECK(left(1) == 60s);
    now += 4 * 600s;
    CHECK(table.failures(key(1), now) == 0);
}

TEST_CASE_METHOD(Table, "however many there were, no more are remembered than the longest penalty needs")
{
    fail(1, 1000);
    CHECK(table.failures(key(1), now) == 7);
    now += 7 * 600s;
    CHECK(table.failures(key(1), now) == 0);
}

TEST_CASE_METHOD(Table, "the failures at one cause can be forgiven, and no others")
{
    fail(1, 2);
    fail(1, 2, other_cause);
    table.forgive(key(1), cause, now);
    CHECK(table.failures(key(1), now) == 2);
    table.forgive(key(1), cause, now);
    CHECK(table.failures(key(1), now) == 2);
    table.forgive(key(1), other_cause, now);
    CHECK(table.failures(key(1), now) == 0);
    CHECK(table.size() == 0);
    table.forgive(key(2), cause, now);
}

TEST_CASE_METHOD(Table,
                 "a full table forgets the key that would be forgotten first, not the one with most failures")
{
    fail(1, 3);
    for (std::uint8_t other = 2; other < 50; ++other) {
        now += 1s;
        fail(other);
    }
    CHECK(table.size() == 4);
    CHECK(table.failures(key(1), now) == 3);
    CHECK(table.failures(key(2), now) == 0);
    CHECK(table.failures(key(49), now) == 1);
}

TEST_CASE_METHOD(Table, "a rule without free failures counts nothing")
{
    fail(1, 5);
    table.set_rule({.free = 0, .forget = 600s, .first = 60s, .longest = 300s});
    CHECK(left(1) == 0s);
    CHECK(table.failures(key(1), now) == 0);
    fail(2, 5);
    CHECK(table.size() == 1);
}

TEST_CASE_METHOD(Table, "saved and restored penalties hold on")
{
    fail(1, 5);
    fail(2);
    const auto saved = table.save(10, now);
    REQUIRE(saved.size() == 2);
    CHECK(saved[0].key == key(1)); // that which is forgotten last
    CHECK(table.save(1, now).size() == 1);
    CHECK(table.save(10, now + 5 * 600s).empty());
    PenaltyTable anew{4, {.free = 3, .forget = 600s, .first = 60s, .longest = 300s}};
    for (const auto& each : saved)
        anew.restore(each, now);
    CHECK(anew.failures(key(1), now) == 5);
    CHECK(anew.penalty_end(key(1), now) == table.penalty_end(key(1), now));
    CHECK(anew.failures(key(2), now) == 1);
}

TEST_CASE_METHOD(Table, "a clock that was set back makes nobody wait longer than the longest penalty")
{
    fail(1, 7);
    const auto saved = table.save(10, now);
    now -= std::chrono::hours{24};
    CHECK(left(1) == 300s);
    now += 200s;
    CHECK(left(1) == 100s);
    PenaltyTable anew{4, {.free = 3, .forget = 600s, .first = 60s, .longest = 300s}};
    anew.restore(saved.at(0), now);
    now += 300s;
    CHECK(anew.penalty_end(key(1), now) <= now);
    CHECK(anew.failures(key(1), now + 7 * 600s) == 0);
}

TEST_CASE_METHOD(Table, "failures while the clock was ahead are forgotten as soon as later ones")
{
    now += std::chrono::hours{24 * 1000};
    fail(1, 7);
    now -= std::chrono::hours{24 * 1000};
    fail(2);
    now += 300s; // nobody has asked for the first since
    CHECK(left(1) <= 0s);
    now += 7 * 600s;
    CHECK(table.failures(key(1), now) == 0);
}

TEST_CASE_METHOD(Table, "a penalty from a clock that was ahead is reported as it will hold")
{
    now += std::chrono::hours{24 * 1000};
    fail(1, 7);
    const auto saved = table.save(10, now).at(0);
    now -= std::chrono::hours{24 * 1000};
    const auto bounded = table.bounded(saved, now);
    CHECK(bounded.penalty_end == now + 300s);
    CHECK(bounded.forgotten == now + 7 * 600s);
}
