#include "server/running/directory_probe.hpp"

#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

#include <cstdio>

using namespace ftpc;
using namespace ftpc::server;

namespace {

error_code system_error(int number)
{
    return {number, boost::system::system_category()};
}

} // namespace

TEST_CASE("a path that names the opened directory needs no note")
{
    const test::TemporaryDirectory data;
    const test::CapturedLog log;
    DirectoryProbe probe;
    for (int look = 0; look < 3; ++look)
        CHECK(probe.still_names("data", describe_now(data.path())));
    CHECK(log.text().empty());
}

TEST_CASE("a path that names another directory, or none, asks for a restart")
{
    const test::TemporaryDirectory top;
    const std::string path = top.path("data");
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    const OpenedDirectory opened = describe_now(path);
    REQUIRE(std::rename(path.c_str(), top.path("old").c_str()) == 0);
    DirectoryProbe probe;
    {
        const test::CapturedLog log;
        CHECK_FALSE(probe.still_names("data", opened));
        CHECK_THAT(log.text(), test::contains("event=restart-needed setting=data path=" + path));
        CHECK_THAT(log.text(), test::contains("No such file or directory"));
    }
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    const test::CapturedLog log;
    CHECK_FALSE(probe.still_names("data", opened));
    CHECK_THAT(log.text(), test::contains("restart the server"));
}

TEST_CASE("a file system that does not answer is no reason for a restart yet")
{
    const OpenedDirectory opened{"/srv/data", "/srv/data", {1, 2}};
    CHECK(describe_change(opened, DirectoryIdentity{1, 2}).empty());
    CHECK_THAT(describe_change(opened, DirectoryIdentity{1, 3}), test::contains("replaced"));
    CHECK_THAT(describe_change(opened, system_error(ETIMEDOUT)), test::contains("does not answer"));
}
