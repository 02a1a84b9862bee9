#include "server/time/ntp_clock.hpp"

#include "support/catch.hpp"

using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

constexpr SystemTime now{1'795'996'800s};

} // namespace

TEST_CASE("a synchronised kernel gives its error and leap second, and the stratum of the setting")
{
    const NtpClock clock = describe_clock(TimeSource::kernel, 5, {true, 1234us, 2}, now);
    CHECK(clock == NtpClock{2, 5, {'K', 'E', 'R', 'N'}, 1234us, now});
}

TEST_CASE("a kernel that is not synchronised says so, without a kiss code")
{
    const NtpClock clock = describe_clock(TimeSource::kernel, 5, {false, 16s, 1}, now);
    CHECK(clock == NtpClock{3, 0, {}, 16s, std::nullopt});
}

TEST_CASE("the standard machine of a room is right by itself, with any kernel")
{
    for (const bool synchronised : {false, true}) {
        const NtpClock clock = describe_clock(TimeSource::local, 5, {synchronised, 16s, 1}, now);
        CHECK(clock == NtpClock{0, 10, {'L', 'O', 'C', 'L'}, 0us, now});
    }
}
