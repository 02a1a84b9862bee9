#include "server/transport/scheduling.hpp"

#include "support/catch.hpp"

#include <sched.h>
#include <unistd.h>

#include <thread>

using namespace ftpc::server;

namespace {

// Of a thread of its own, whose processors are nobody else's matter.
template <class Work>
void in_a_thread(Work work)
{
    std::thread{work}.join();
}

// What taskset(1) does to the main thread, taken back at the end.
class TasksetOfMain {
public:
    explicit TasksetOfMain(int only)
    {
        REQUIRE(::sched_getaffinity(::getpid(), sizeof before_, &before_) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(only, &one);
        REQUIRE(::sched_setaffinity(::getpid(), sizeof one, &one) == 0);
    }
    TasksetOfMain(const TasksetOfMain&) = delete;
    TasksetOfMain& operator=(const TasksetOfMain&) = delete;
    ~TasksetOfMain() { ::sched_setaffinity(::getpid(), sizeof before_, &before_); }

private:
    cpu_set_t before_{};
};

} // namespace

TEST_CASE("a thread keeps to its processor, and goes to all that it had before")
{
    in_a_thread([] {
        const std::vector<int> all = allowed_processors();
        REQUIRE_FALSE(all.empty());
        OwnProcessor own{all.back()};
        own.keep_to(false);
        CHECK(allowed_processors() == all);
        own.keep_to(true);
        CHECK(allowed_processors() == std::vector{all.back()});
        own.keep_to(true);
        CHECK(allowed_processors() == std::vector{all.back()});
        own.keep_to(false);
        CHECK(allowed_processors() == all);
    });
}

TEST_CASE("a thread follows what the administrator lets the process use")
{
    in_a_thread([] {
        const std::vector<int> all = allowed_processors();
        REQUIRE_FALSE(all.empty());
        OwnProcessor last{all.back()};
        last.keep_to(true);
        const TasksetOfMain taskset{all.front()};
        last.keep_to(false);
        CHECK(allowed_processors() == std::vector{all.front()});
        last.keep_to(true); // to one that it may not use any more
        CHECK(allowed_processors() == std::vector{all.front()});
    });
}
