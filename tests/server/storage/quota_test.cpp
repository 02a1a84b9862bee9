#include "server/storage/quota.hpp"

#include "server/storage/count_directories.hpp"
#include "server/storage/tree_fixture.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;
using test::failure_text;
using test::path;

namespace {

const error_code over{Errc::over_quota};
const error_code must_count{Errc::must_count};

// A home of which only the number of directories is there, and a clock under the test's hand.
struct QuotaTest {
    HomeQuota::Clock::time_point now{1h};
    HomeQuota::Clock::duration count_takes = 1ms;
    std::uint64_t there = 0;
    int counts = 0;
    error_code failure;
    HomeQuota quota{[this]() -> Result<std::uint64_t> {
                        ++counts;
                        now += count_takes;
                        if (failure) return failure;
                        return there;
                    },
                    [this] { return now; }};

    // A command that comes now, of a user who may have `limit`; makes one directory if it may.
    error_code make(std::uint64_t limit, bool may_count = true)
    {
        auto permit = quota.take(limit, now, may_count);
        if (!permit) return permit.error();
        permit->made();
        ++there;
        return {};
    }
};

// As many threads as there are cores and more, each with its own descriptors, as sessions have.
struct QuotaTreeTest : test::TreeFixture {
    Tree tree_ = tree();
    Directory home = tree_.open_home("alice").value();
    std::shared_ptr<HomeQuota> quota =
        std::make_shared<HomeQuota>([this] { return count_directories(home->fd.get()); });

    std::string make_path(std::string_view name, std::uint64_t limit) const
    {
        const Allowance allowance{quota, limit, HomeQuota::Clock::now()};
        const auto made = test::make_with_parents(tree_, home, path(name), {.allowance = &allowance});
        return made && !made->path_made ? "was there" : failure_text(made);
    }
    std::uint64_t there() const { return count_directories(home->fd.get()).value(); }
};

const std::string refused = make_error_code(Errc::over_quota).message();

} // namespace

TEST_CASE_METHOD(QuotaTest, "as many directories as the limit are made and no more")
{
    there = 3;
    CHECK_FALSE(make(5));
    CHECK_FALSE(make(5));
    CHECK(make(5) == over);
    CHECK(there == 5);
    CHECK_FALSE(make(6));
}

TEST_CASE_METHOD(QuotaTest, "a count serves many directories, and no longer than twenty times its duration")
{
    CHECK_FALSE(make(100));
    now += 17ms;
    CHECK_FALSE(make(100));
    CHECK(counts == 1);
    now += 3ms;
    CHECK_FALSE(make(100));
    CHECK(counts == 2);
}

TEST_CASE_METHOD(QuotaTest, "the loop never counts: it is told that somebody must")
{
    CHECK(make(100, false) == must_count);
    CHECK(counts == 0);
    CHECK_FALSE(make(100));
    CHECK_FALSE(make(100, false));
    now += 1s;
    CHECK(make(100, false) == must_count);
    CHECK(counts == 1);
}

TEST_CASE_METHOD(QuotaTest, "nobody is refused but by a count that began after the command came")
{
    CHECK_FALSE(make(1));
    CHECK(make(1, false) == must_count);
    there = 0; // removed by somebody else, in the time that the count was still good
    CHECK_FALSE(make(1));
    CHECK(counts == 2);
    CHECK(make(1) == over);
    CHECK(counts == 3);
}

TEST_CASE_METHOD(QuotaTest, "commands that came together are refused by one count")
{
    there = 7;
    const auto asked = now;
    for (int i = 0; i < 50; ++i)
        CHECK(quota.take(7, asked, true).error() == over);
    CHECK(counts == 1);
    CHECK(quota.take(7, asked, false).error() == over);
    CHECK(quota.take(7, now, false).error() == must_count);
}

TEST_CASE_METHOD(QuotaTest, "a permit that made nothing leaves its place to the next")
{
    there = 4;
    {
        const auto unused = quota.take(5, now, true);
        REQUIRE(unused);
    }
    CHECK_FALSE(make(5));
    CHECK(make(5) == over);
}

TEST_CASE_METHOD(QuotaTest, "while one has a permit the loop does not wait for it")
{
    const auto held = quota.take(5, now, true);
    REQUIRE(held);
    std::optional<error_code> other;
    std::thread{[&] { other = quota.take(5, now, false).error(); }}.join();
    CHECK(other == must_count);
}

TEST_CASE_METHOD(QuotaTest, "a failed count makes no directory, and is tried again")
{
    failure = {EIO, boost::system::system_category()};
    CHECK(make(5) == failure);
    failure = {};
    CHECK_FALSE(make(5));
}

TEST_CASE_METHOD(QuotaTreeTest, "sessions that race make exactly as many directories as they may")
{
    std::atomic<int> made{0};
    std::atomic<int> stopped{0};
    std::vector<std::thread> sessions;
    for (int session = 0; session < 4; ++session)
        sessions.emplace_back([&, session] {
            for (int i = 0; i < 40; ++i) {
                std::string name = std::to_string(session);
                const auto done = make_path(name.append("-").append(std::to_string(i)), 100);
                made += done == "done";
                stopped += done == refused;
            }
        });
    for (std::thread& session : sessions)
        session.join();
    CHECK(made == 100);
    CHECK(stopped == 60);
    CHECK(there() == 100);
}

TEST_CASE_METHOD(QuotaTreeTest, "a path is made as far as the limit goes, and the new part stays")
{
    CHECK(make_path("/a/b/c", 2) == refused);
    CHECK(is_directory("a/b"));
    CHECK(there() == 2);
    CHECK(make_path("/a/b", 2) == "was there");
    CHECK(make_path("/x", 2) == refused);
    file("f");
    CHECK(make_path("/f", 2) == "File exists");
    CHECK(make_path("/a/b/c", 3) == "done");
}

TEST_CASE_METHOD(QuotaTreeTest, "directories made and removed by others count")
{
    make_in_home("x");
    make_in_home("x/y");
    CHECK(make_path("/a", 2) == refused);
    REQUIRE(::rmdir(top.path("root/alice/x/y").c_str()) == 0);
    CHECK(make_path("/a", 2) == "done");
    CHECK(make_path("/b", 2) == refused);
}
