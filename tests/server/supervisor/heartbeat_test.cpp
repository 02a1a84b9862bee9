#include "server/supervisor/heartbeat.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using Verdict = Heartbeat::Verdict;

namespace {

constexpr ProcessState runs{};
constexpr ProcessState ending{.ending = true};
constexpr ProcessState traced{.traced = true};
constexpr int looks_in_longest_silence = Heartbeat::longest_silence / Heartbeat::interval;

} // namespace

TEST_CASE("a child that answers is asked again at each look")
{
    Heartbeat heartbeat;
    for (int i = 0; i < 1000; ++i) {
        heartbeat.heard();
        CHECK(heartbeat.look(runs) == Verdict::ask);
    }
}

TEST_CASE("a child that is silent, be it at its start, is killed after a long time and not before")
{
    Heartbeat heartbeat;
    const bool has_answered = GENERATE(true, false);
    if (has_answered) heartbeat.heard();
    if (has_answered) CHECK(heartbeat.look(runs) == Verdict::ask);
    for (int i = 0; i < looks_in_longest_silence; ++i)
        CHECK(heartbeat.look(runs) == Verdict::wait);
    CHECK(heartbeat.look(runs) == Verdict::kill);
}

TEST_CASE("an answer, however late, ends the silence")
{
    Heartbeat heartbeat;
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < looks_in_longest_silence; ++i)
            CHECK(heartbeat.look(runs) == Verdict::wait);
        heartbeat.heard();
        CHECK(heartbeat.look(runs) == Verdict::ask);
    }
}

TEST_CASE("a child that a debugger holds may be silent")
{
    Heartbeat heartbeat;
    for (int i = 0; i < 2 * looks_in_longest_silence; ++i)
        CHECK(heartbeat.look(traced) == Verdict::wait);
    CHECK(heartbeat.look(runs) == Verdict::kill);
}

TEST_CASE("a child that is ending and does not get there is left behind within a second")
{
    Heartbeat heartbeat;
    heartbeat.heard(); // before it ended
    CHECK(heartbeat.look(ending) == Verdict::wait);
    CHECK(heartbeat.look(ending) == Verdict::leave);
    CHECK(2 * Heartbeat::interval < std::chrono::seconds{1});
}
