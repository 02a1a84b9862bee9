#include "client/state/let_through.hpp"

#include "client/outcome.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <string>

using namespace ftpc::client;
using ftpc::test::contains;

namespace {

struct Jobs {
    ftpc::test::TemporaryDirectory directory;
    StateDirectory state{directory.path("ftpc")};
    ServerAddress server{"files", 2121};

    bool passes(const std::string& occurrence, const std::string& job = "") const
    {
        return let_through(state, server, job, occurrence).has_value();
    }
};

} // namespace

TEST_CASE_METHOD(Jobs, "an occurrence is let through once, and the next one again")
{
    CHECK(passes("2026-12-01T00:00:00"));
    CHECK_FALSE(passes("2026-12-01T00:00:00"));
    CHECK(passes("2026-12-02T00:00:00"));
    CHECK_FALSE(passes("2026-12-01T00:00:00"));
    CHECK_FALSE(passes("2026-12-02T00:00:00"));
}

TEST_CASE_METHOD(Jobs, "jobs with names, and servers, do not know of each other")
{
    CHECK(passes("2026-12-01T00:00:00"));
    CHECK(passes("2026-12-01T00:00:00", "billing"));
    CHECK(passes("2026-12-01T00:00:00", "backup"));
    CHECK_FALSE(passes("2026-12-01T00:00:00", "billing"));
    server.port = 2122;
    CHECK(passes("2026-12-01T00:00:00"));
}

TEST_CASE_METHOD(Jobs, "a refusal says what was let through before, and what to do")
{
    REQUIRE(passes("2026-12-01T00:00:00", "billing"));
    const auto again = let_through(state, server, "billing", "2026-12-01T00:00:00");
    REQUIRE_FALSE(again);
    CHECK(again.error().status == ExitStatus::failed);
    CHECK(contains(again.error().message,
                   "2026-12-01T00:00:00 at files:2121 was let through before, to the job billing"));
    CHECK(contains(again.error().message, "--job NAME"));
}

TEST_CASE_METHOD(Jobs, "the last 256 are remembered, the most recent first")
{
    REQUIRE(passes("0"));
    std::string remembered;
    for (int i = 256; i > 0; --i)
        remembered += "files:2121 - " + std::to_string(i) + "\n";
    directory.write("ftpc/jobs", remembered);
    CHECK_FALSE(passes("256"));
    CHECK_FALSE(passes("1"));
    CHECK(passes("0"));
    const std::string text = directory.read("ftpc/jobs");
    CHECK(text.starts_with("files:2121 - 0\nfiles:2121 - 256\n"));
    CHECK(text.ends_with("\nfiles:2121 - 2\n"));
}

TEST_CASE("a name of a job is a plain word")
{
    for (const char* const name : {"a", "nightly-billing_2.sh", "-x"})
        CHECK(is_job_name(name));
    CHECK(is_job_name(std::string(64, 'a')));
    for (const char* const name : {"", "-", "a b", "a\n", "a/b", "\xc3\xa4"})
        CHECK_FALSE(is_job_name(name));
    CHECK_FALSE(is_job_name(std::string(65, 'a')));
}
