// Timers and what other threads post, on a loop that sleeps when there is nothing to do.
#include "server/event_loop/event_loop.hpp"

#include "support/catch.hpp"
#include "support/time_scale.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

struct RunningLoop {
    EventLoop loop;
    std::thread thread{[this] { loop.run(); }};
    ~RunningLoop()
    {
        loop.stop();
        thread.join();
    }
};

} // namespace

TEST_CASE("work that another thread posts wakes a sleeping loop, each time")
{
    RunningLoop running;
    for (int i = 0; i < 1000; ++i) {
        std::promise<std::thread::id> done;
        running.loop.post([&done] { done.set_value(std::this_thread::get_id()); });
        auto result = done.get_future();
        REQUIRE(result.wait_for(ftpc::test::patience()) == std::future_status::ready);
        REQUIRE(result.get() == running.thread.get_id());
    }
}

TEST_CASE("posted work keeps its order")
{
    EventLoop loop;
    std::vector<int> done;
    for (int i = 0; i < 100; ++i)
        loop.post([&done, i] { done.push_back(i); });
    while (loop.turn(false)) {
    }
    REQUIRE(done.size() == 100);
    CHECK(std::is_sorted(done.begin(), done.end()));
}

TEST_CASE("a timer is called at its time and not before, the earlier one first")
{
    EventLoop loop;
    std::vector<int> called;
    const auto begin = EventLoop::Clock::now();
    EventLoop::Clock::time_point last_call;
    loop.call_at(begin + 30ms, [&] {
        called.push_back(2);
        last_call = EventLoop::Clock::now();
    });
    loop.call_at(begin + 10ms, [&] { called.push_back(1); });
    CHECK_FALSE(loop.turn(false));
    while (called.size() < 2)
        loop.turn(true);
    CHECK(called == std::vector{1, 2});
    CHECK(last_call - begin >= 30ms);
}

TEST_CASE("a timer may set the next one")
{
    EventLoop loop;
    int calls = 0;
    std::function<void()> again = [&] {
        if (++calls < 5) loop.call_at(EventLoop::Clock::now(), again);
    };
    loop.call_at(EventLoop::Clock::now(), again);
    while (calls < 5)
        loop.turn(true);
    CHECK(calls == 5);
}

TEST_CASE("work that posts itself again and again leaves timers their turn")
{
    EventLoop loop;
    bool over = false;
    std::function<void()> flood = [&] {
        if (!over) loop.post(flood);
    };
    loop.post(flood);
    loop.call_at(EventLoop::Clock::now() + 5ms, [&] { over = true; });
    const auto end = EventLoop::Clock::now() + ftpc::test::patience();
    while (!over && EventLoop::Clock::now() < end)
        loop.turn(true);
    CHECK(over);
}

TEST_CASE("a loop that is stopped before it runs ends at once")
{
    EventLoop loop;
    loop.stop();
    loop.run();
    SUCCEED();
}

// The sanitizers see it if the poster still needs the loop.
TEST_CASE("a loop may be gone as soon as another thread's job is done")
{
    for (int i = 0; i < 200; ++i) {
        auto running = std::make_unique<RunningLoop>();
        std::promise<void> done;
        std::thread poster{[&done, &loop = running->loop] { loop.post([&done] { done.set_value(); }); }};
        done.get_future().wait();
        running.reset();
        poster.join();
    }
}
