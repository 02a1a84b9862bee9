#include "server/ftp/commands/server_time.hpp"

#include "server/clock/clock.hpp"
#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

ServerTime time_now(TimeSource source, std::chrono::nanoseconds waited = 0ns)
{
    return server_time(source, std::chrono::steady_clock::now() - waited);
}

std::chrono::nanoseconds now()
{
    return std::chrono::system_clock::now().time_since_epoch();
}

} // namespace

TEST_CASE("a command has waited between its arrival and its answer")
{
    const auto before = now();
    const ServerTime time = time_now(TimeSource::kernel, 3s);
    const auto after = now();
    CHECK(time.sent >= before);
    CHECK(time.sent <= after);
    CHECK(time.sent - time.received >= 3s);
    CHECK(time.sent - time.received <= 3s + (after - before));
    CHECK(time.zone_offset == zone_offset(std::time(nullptr)));
}

TEST_CASE("the state of the clock is that of the kernel, unless this machine is the standard")
{
    const KernelClock kernel = read_kernel_clock();
    const ServerTime by_kernel = time_now(TimeSource::kernel);
    CHECK(by_kernel.max_error > 0us);
    CHECK((by_kernel.state == ServerTime::State::synchronised) == kernel.synchronised);
    CHECK(by_kernel.state != ServerTime::State::local);

    const ServerTime standard = time_now(TimeSource::local);
    CHECK(standard.state == ServerTime::State::local);
    CHECK(standard.max_error == 0us);
}
