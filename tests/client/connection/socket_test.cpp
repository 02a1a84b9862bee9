#include "client/connection/socket.hpp"

#include "shared/base/unique_fd.hpp"
#include "support/catch.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <chrono>

using namespace ftpc;
using namespace ftpc::client;

TEST_CASE("a wait whose deadline has passed is over, also if there is something to be read")
{
    const UniqueFd readable{::eventfd(1, EFD_CLOEXEC)};
    const auto now = std::chrono::steady_clock::now();
    CHECK(wait_for(readable.get(), POLLIN, now + std::chrono::hours{1}));
    CHECK_FALSE(wait_for(readable.get(), POLLIN, now));
}

TEST_CASE("the time until a deadline is never negative, and fits into the argument of poll(2)")
{
    const auto now = std::chrono::steady_clock::now();
    CHECK(milliseconds_until(now - std::chrono::hours{1}) == 0);
    CHECK(milliseconds_until(now + std::chrono::hours{24 * 365}) == 1'000'000'000);
    CHECK(milliseconds_until(Deadline::max()) == 1'000'000'000);
}
