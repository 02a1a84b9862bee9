#include "server/storage/group_gathering.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

const GroupGathering::Clock::time_point now{1000s};

} // namespace

TEST_CASE("the first commit waits for nobody")
{
    const GroupGathering gathering;
    CHECK(gathering.expected() <= 1);
}

TEST_CASE("a single session waits for nobody")
{
    GroupGathering gathering;
    gathering.synced(1, 0, 10ms, now);
    CHECK(gathering.expected() == 1);
}

TEST_CASE("waiting sessions wait for the answered ones, as long as their sync took")
{
    GroupGathering gathering;
    gathering.synced(20, 44, 10ms, now);
    CHECK(gathering.expected() == 64);
    CHECK(gathering.until() == now + 10ms);
    gathering.gathered(64);
    gathering.synced(64, 0, 8ms, now);
    CHECK(gathering.expected() == 64);
    CHECK(gathering.until() == now + 8ms);
}

TEST_CASE("if no session comes back, the wait is shorter each time until one does")
{
    GroupGathering gathering;
    gathering.synced(20, 5, 16ms, now);
    gathering.gathered(14); // nine of twenty
    gathering.synced(20, 5, 16ms, now);
    CHECK(gathering.until() == now + 8ms);
    for (int i = 0; i < 10; ++i) {
        gathering.gathered(5);
        gathering.synced(20, 5, 16ms, now);
    }
    CHECK(gathering.until() == now + 250us);
    gathering.gathered(15);
    gathering.synced(20, 5, 16ms, now);
    CHECK(gathering.until() == now + 16ms);
}

TEST_CASE("after a disk has stalled the wait is short all the same")
{
    GroupGathering gathering;
    gathering.synced(500, 0, 30s, now);
    CHECK(gathering.until() == now + GroupGathering::longest);
}
