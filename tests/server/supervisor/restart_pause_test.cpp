// How long a child that has ended stays away.
#include "server/supervisor/restart_pause.hpp"

#include "support/catch.hpp"

#include <cstdint>
#include <vector>

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

using Pauses = std::vector<std::int64_t>; // milliseconds

constexpr auto short_life = 1s;
constexpr auto long_life = RestartPause::long_enough + 1s;

struct PauseTest {
    RestartPause pause;
    RestartPause::Time now{1h};
    std::size_t left_behind = 0;

    // The pause that has just begun, and passes.
    std::int64_t pass()
    {
        const auto began = now;
        now = pause.restart_at();
        return std::chrono::duration_cast<std::chrono::milliseconds>(now - began).count();
    }

    std::int64_t live(std::chrono::milliseconds life, bool serves)
    {
        pause.started(now);
        now += life;
        pause.ended(now, serves, left_behind);
        return pass();
    }

    std::int64_t fail_to_start()
    {
        pause.could_not_start(now, left_behind);
        return pass();
    }
};

} // namespace

TEST_CASE_METHOD(PauseTest,
                 "a child that had been serving is back after a tenth of a second, however often it ends")
{
    CHECK(live(short_life, true) == 50);
    for (int i = 0; i < 20; ++i)
        CHECK(live(short_life, true) == 100);
}

TEST_CASE_METHOD(PauseTest,
                 "a child that does not become ready is started with growing pauses, up to ten seconds")
{
    Pauses pauses;
    for (int i = 0; i < 10; ++i)
        pauses.push_back(live(short_life, false));
    CHECK(pauses == Pauses{50, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000});
}

TEST_CASE_METHOD(PauseTest, "a child that lived long is back at once")
{
    const bool serves = GENERATE(true, false);
    for (int i = 0; i < 5; ++i)
        live(short_life, false);
    CHECK(live(long_life, serves) == 0);
    CHECK(live(short_life, serves) == 50);
}

TEST_CASE_METHOD(
    PauseTest, "a child that cannot be started is tried with growing pauses, however long the last one lived")
{
    CHECK(live(long_life, true) == 0);
    Pauses pauses;
    for (int i = 0; i < 10; ++i)
        pauses.push_back(fail_to_start());
    CHECK(pauses == Pauses{50, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000});
    CHECK(live(short_life, true) == 100);
}

TEST_CASE_METHOD(PauseTest,
                 "each process that is left behind doubles the pause, also of a child that lived long")
{
    Pauses pauses;
    for (left_behind = 1; left_behind <= 4; ++left_behind)
        pauses.push_back(live(long_life, true));
    CHECK(pauses == Pauses{100, 200, 400, 800});
    left_behind = 1000;
    CHECK(live(long_life, true) == 50 * (std::int64_t{1} << 24));
}

TEST_CASE_METHOD(PauseTest, "a pause ends early if its cause has gone")
{
    left_behind = 10;
    pause.started(now);
    pause.ended(now, true, left_behind);
    CHECK(pause.restart_at() > now + 50s);
    pause.end(now);
    CHECK(pass() == 0);
}
