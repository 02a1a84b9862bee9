#include "server/auth/login/hash_queue.hpp"

#include "support/catch.hpp"

#include <atomic>
#include <future>
#include <latch>

using namespace ftpc::server;

namespace {

constexpr ipc::PeerAddress peer{};
constexpr LoginRank rank = 1;
const auto nothing = [] {};

// A job that keeps a worker until it is let go.
struct Blocker {
    std::promise<void> started;
    std::promise<void> release;

    HashJob job()
    {
        return {[this] {
                    started.set_value();
                    release.get_future().wait();
                },
                nothing};
    }
};

} // namespace

TEST_CASE("every job that is taken runs")
{
    std::latch ran{50};
    HashQueue queue{2, 50};
    for (int i = 0; i < 50; ++i)
        queue.submit(peer, rank, {[&] { ran.count_down(); }, nothing});
    ran.wait();
}

TEST_CASE("as many jobs run at a time as there are workers")
{
    Blocker first;
    Blocker second;
    HashQueue queue{2, 10};
    queue.submit(peer, rank, first.job());
    queue.submit(peer, rank, second.job());
    first.started.get_future().wait();
    second.started.get_future().wait();
    first.release.set_value();
    second.release.set_value();
}

TEST_CASE("a job beyond the bound of the queue is refused at once")
{
    Blocker blocker;
    std::latch ran{2};
    int refused = 0;
    HashQueue queue{1, 2};
    queue.submit(peer, rank, blocker.job());
    blocker.started.get_future().wait();
    for (int i = 0; i < 5; ++i)
        queue.submit(peer, rank, {[&] { ran.count_down(); }, [&] { ++refused; }});
    CHECK(refused == 3);
    blocker.release.set_value();
    ran.wait();
}

TEST_CASE("the end of a queue waits for running jobs")
{
    Blocker blocker;
    std::atomic<bool> finished = false;
    std::future<void> releaser;
    {
        HashQueue queue{1, 10};
        queue.submit(peer, rank,
                     {[&] {
                          blocker.started.set_value();
                          blocker.release.get_future().wait();
                          finished = true;
                      },
                      nothing});
        blocker.started.get_future().wait();
        releaser = std::async(std::launch::async, [&] { blocker.release.set_value(); });
    }
    CHECK(finished);
}

TEST_CASE("workers come and go while the queue lives")
{
    HashQueue queue{1, 10};
    Blocker blocker;
    queue.submit(peer, rank, blocker.job());
    blocker.started.get_future().wait();
    queue.resize(2, 10);
    std::promise<void> second_ran;
    queue.submit(peer, rank, {[&] { second_ran.set_value(); }, nothing});
    second_ran.get_future().wait();
    blocker.release.set_value();
    queue.resize(1, 10);
    std::promise<void> third_ran;
    queue.submit(peer, rank, {[&] { third_ran.set_value(); }, nothing});
    third_ran.get_future().wait();
}

TEST_CASE("waiting jobs of one address are refused at once on request")
{
    Blocker blocker;
    int refused = 0;
    std::promise<void> other_ran;
    HashQueue queue{1, 10};
    queue.submit(peer, rank, blocker.job());
    blocker.started.get_future().wait();
    for (int i = 0; i < 3; ++i)
        queue.submit(peer, rank, {nothing, [&] { ++refused; }});
    queue.submit({1}, rank, {[&] { other_ran.set_value(); }, nothing});
    queue.refuse_all_of(peer);
    CHECK(refused == 3);
    blocker.release.set_value();
    other_ran.get_future().wait();
}
