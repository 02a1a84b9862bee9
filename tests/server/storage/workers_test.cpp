#include "server/storage/workers.hpp"

#include "shared/base/processors.hpp"
#include "support/catch.hpp"
#include "support/time_scale.hpp"

#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using ftpc::server::Workers;

namespace {

// Work that hangs until it is let go. It outlives the test, as the threads may.
struct Site {
    std::mutex mutex;
    std::condition_variable changed;
    bool hanging = true;
    int begun = 0;
    int done = 0;
    std::vector<int> order;
};

struct WorkersTest {
    std::shared_ptr<Site> site = std::make_shared<Site>();
    std::unique_ptr<Workers> workers = std::make_unique<Workers>(16);

    ~WorkersTest() { let_go(); }

    bool hang(std::uint64_t lane, bool local = false) const
    {
        return workers->submit({lane, local}, [site = site] {
            std::unique_lock lock{site->mutex};
            ++site->begun;
            site->changed.notify_all();
            site->changed.wait(lock, [&] { return !site->hanging; });
            ++site->done;
            site->changed.notify_all();
        });
    }
    bool note(std::uint64_t lane, int what, bool local = false) const
    {
        return workers->submit({lane, local}, [site = site, what] {
            const std::scoped_lock lock{site->mutex};
            site->order.push_back(what);
            site->changed.notify_all();
        });
    }
    void let_go() const
    {
        const std::scoped_lock lock{site->mutex};
        site->hanging = false;
        site->changed.notify_all();
    }
    template <class Condition>
    bool wait_until(Condition condition) const
    {
        std::unique_lock lock{site->mutex};
        return site->changed.wait_for(lock, ftpc::test::patience(), condition);
    }
    bool wait_until_begun(int count) const
    {
        return wait_until([&] { return site->begun >= count; });
    }
    bool wait_until_noted(std::size_t count) const
    {
        return wait_until([&] { return site->order.size() >= count; });
    }
    int begun() const
    {
        const std::scoped_lock lock{site->mutex};
        return site->begun;
    }
};

} // namespace

TEST_CASE_METHOD(WorkersTest, "jobs are done, also those submitted meanwhile")
{
    for (int i = 0; i < 100; ++i)
        REQUIRE(note(static_cast<std::uint64_t>(i % 3), i));
    CHECK(wait_until_noted(100));
}

TEST_CASE_METHOD(WorkersTest, "each gets a thread although those before hang")
{
    for (int i = 0; i < 5; ++i)
        REQUIRE(hang(1));
    CHECK(wait_until_begun(5));
    CHECK(workers->busy());
}

TEST_CASE_METHOD(WorkersTest, "a lane that hangs takes half of the threads and no more, and others go on")
{
    for (int i = 0; i < 40; ++i)
        REQUIRE(hang(1));
    REQUIRE(wait_until_begun(7)); // two of 16 are kept for local lanes, and half of 14 is 7
    for (int i = 0; i < 20; ++i)
        REQUIRE(note(2, i));
    CHECK(wait_until_noted(20));
    CHECK(begun() == 7);
    let_go();
    CHECK(wait_until([&] { return site->done == 40; }));
}

TEST_CASE_METHOD(WorkersTest, "many lanes that hang leave threads for local ones")
{
    for (std::uint64_t lane = 1; lane <= 30; ++lane)
        for (int i = 0; i < 10; ++i)
            REQUIRE(hang(lane));
    REQUIRE(wait_until_begun(14));
    REQUIRE(note(100, 1, true));
    REQUIRE(note(101, 2, true));
    CHECK(wait_until_noted(2));
    CHECK(begun() == 14);
}

TEST_CASE_METHOD(WorkersTest, "the waiting jobs of one lane are bounded, and other lanes have room")
{
    for (int i = 0; i < 7; ++i)
        REQUIRE(hang(1));
    REQUIRE(wait_until_begun(7));
    for (std::size_t i = 0; i < Workers::most_waiting; ++i)
        REQUIRE(hang(1));
    CHECK_FALSE(hang(1));
    CHECK(note(2, 1));
    CHECK(wait_until_noted(1));
}

TEST_CASE_METHOD(WorkersTest, "the end waits for no hanging thread, and drops waiting jobs")
{
    for (int i = 0; i < 20; ++i)
        REQUIRE(hang(1));
    REQUIRE(wait_until_begun(7));
    workers.reset();
    let_go();
    CHECK(wait_until([&] { return site->done == 7; }));
    CHECK(begun() == 7);
}

TEST_CASE_METHOD(WorkersTest, "more threads may be allowed later")
{
    workers->set_most_threads(2);
    REQUIRE(hang(1));
    REQUIRE(wait_until_begun(1));
    REQUIRE(hang(2));
    workers->set_most_threads(16);
    REQUIRE(hang(3)); // brings the threads that are missing
    CHECK(wait_until_begun(3));
}

TEST_CASE_METHOD(WorkersTest,
                 "a worker may run on all processors, also if a thread that keeps to one starts it")
{
    const std::vector<int> all = ftpc::usable_processors();
    std::promise<std::vector<int>> of_worker;
    std::thread{[&] {
        ftpc::stay_on_processors({all.back()});
        workers->submit({1, true}, [&] { of_worker.set_value(ftpc::usable_processors()); });
    }}.join();
    CHECK(of_worker.get_future().get() == all);
}
