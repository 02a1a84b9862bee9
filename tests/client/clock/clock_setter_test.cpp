// The rules by which a clock is set. The clock is a double: no test sets that of the machine.
#include "client/clock/clock_setter.hpp"

#include "client/outcome.hpp"
#include "support/catch.hpp"

#include <sys/timex.h>

#include <string>

using namespace ftpc;
using namespace ftpc::client;
using namespace std::chrono_literals;
using ftpc::test::contains;

namespace {

class ClockDouble final : public ClockSetter {
public:
    bool kept = false;
    int error = 0;
    std::string done;

    bool is_kept() override { return kept; }
    Result<void> slew(std::chrono::microseconds by) override
    {
        return note("slewed by " + std::to_string(by.count()) + " us");
    }
    Result<void> step(std::chrono::nanoseconds by) override
    {
        return note("stepped by " + std::to_string(by.count()) + " ns");
    }

private:
    Result<void> note(const std::string& what)
    {
        if (error != 0) return error_code{error, boost::system::system_category()};
        done += what;
        return {};
    }
};

struct Setting {
    ClockDouble clock;

    std::chrono::nanoseconds bound = 1ms;

    Outcome<ClockChange> set(std::chrono::nanoseconds offset, bool large = false)
    {
        clock.done.clear();
        return set_clock(clock, {offset, bound}, large);
    }
};

} // namespace

TEST_CASE_METHOD(Setting, "up to half a second is slewed, and more is a step, forward and back")
{
    CHECK(*set(500ms) == ClockChange::slewed);
    CHECK(clock.done == "slewed by 500000 us");
    CHECK(*set(-500ms) == ClockChange::slewed);
    CHECK(clock.done == "slewed by -500000 us");
    CHECK(*set(500ms + 1ns) == ClockChange::stepped);
    CHECK(clock.done == "stepped by 500000001 ns");
    CHECK(*set(-1000s) == ClockChange::stepped);
    CHECK(clock.done == "stepped by -1000000000000 ns");
}

TEST_CASE_METHOD(Setting, "a clock that is as right as can be known is left alone")
{
    CHECK(*set(1ms) == ClockChange::none);
    CHECK(*set(-1ms) == ClockChange::none);
    CHECK(clock.done.empty());
    CHECK(*set(1ms + 1ns) == ClockChange::slewed);
}

TEST_CASE_METHOD(Setting, "more than a thousand seconds are a mistake unless they are meant")
{
    for (const std::chrono::nanoseconds offset :
         {1000s + 1ns, std::chrono::nanoseconds{-1h}, 438'000h + 0ns}) {
        const auto refused = set(offset);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == ExitStatus::failed);
        CHECK(contains(refused.error().message, "--large"));
        CHECK(clock.done.empty());
        CHECK(*set(offset, true) == ClockChange::stepped);
    }
}

TEST_CASE_METHOD(Setting, "a clock that another program keeps is not set, not even by a little")
{
    clock.kept = true;
    for (const auto offset : {2ms, 1000ms, 3'600'000ms}) {
        const auto refused = set(offset, true);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == ExitStatus::failed);
        CHECK(contains(refused.error().message, "another program keeps this clock"));
        CHECK(clock.done.empty());
    }
}

TEST_CASE("the kernel says that a clock is kept until it says that nothing synchronises it")
{
    CHECK(says_kept(0));
    CHECK(says_kept(STA_PLL | STA_NANO));
    CHECK_FALSE(says_kept(STA_UNSYNC));
    // systemd-timesyncd leaves STA_PLL behind when it ends.
    CHECK_FALSE(says_kept(STA_UNSYNC | STA_PLL));
}

TEST_CASE_METHOD(Setting, "a clock is neither set nor called right by an offset that is hardly known")
{
    bound = 10s;
    for (const auto offset : {0s, 5s, -5s, 60s}) {
        const auto refused = set(offset, true);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == ExitStatus::failed);
        CHECK(contains(refused.error().message, "the way to the server leaves 10.000 s open"));
        CHECK(clock.done.empty());
    }
    bound = 500ms;
    CHECK(*set(60s) == ClockChange::stepped);
}

TEST_CASE_METHOD(Setting, "a user who may not set the clock is told who may")
{
    clock.error = EPERM;
    for (const auto offset : {10ms, 10'000ms}) {
        const auto refused = set(offset);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == ExitStatus::failed);
        CHECK(contains(refused.error().message, "root"));
        CHECK(contains(refused.error().message, "CAP_SYS_TIME"));
    }
    clock.error = EINVAL;
    CHECK(contains(set(10s).error().message, "Invalid argument"));
}
