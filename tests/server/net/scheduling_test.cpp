#include "server/net/scheduling.hpp"

#include "support/catch.hpp"

#include <thread>

using namespace ftpc::server;

namespace {

// Of a thread of its own, whose processors are nobody else's matter.
template <class Work>
void in_a_thread(Work work)
{
    std::thread{work}.join();
}

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

TEST_CASE("a thread goes to no processor that it was not allowed")
{
    in_a_thread([] {
        const std::vector<int> all = allowed_processors();
        REQUIRE_FALSE(all.empty());
        OwnProcessor{all.front()}.keep_to(true);
        OwnProcessor own{all.front()};
        own.keep_to(true);
        own.keep_to(false);
        CHECK(allowed_processors() == std::vector{all.front()});
    });
}
