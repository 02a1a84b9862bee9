#include "server/running/runtime_directory.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace ftpc;
using namespace ftpc::server;

TEST_CASE("the runtime directory is made for this user alone, and found again")
{
    const test::TemporaryDirectory top;
    const std::string path = top.path("ftpcd");
    CHECK_FALSE(open_runtime_directory(path));
    const auto made = make_runtime_directory(path);
    REQUIRE(made);
    struct stat status {};
    REQUIRE(::fstat(made->get(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    CHECK(make_runtime_directory(path));
    CHECK(open_runtime_directory(path));
}

TEST_CASE("a runtime directory that others can change, a link and a file are refused")
{
    const test::TemporaryDirectory top;
    const std::string path = top.path("ftpcd");
    REQUIRE(make_runtime_directory(path));
    for (const mode_t mode : {0770U, 0702U, 01777U}) {
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        CHECK(make_runtime_directory(path).error() == Errc::unsafe_permissions);
    }
    REQUIRE(::chmod(path.c_str(), 0755) == 0); // as systemd makes it
    CHECK(make_runtime_directory(path));
    REQUIRE(::symlink("ftpcd", top.path("link").c_str()) == 0);
    CHECK_FALSE(make_runtime_directory(top.path("link")));
    top.write("file", "");
    CHECK_FALSE(make_runtime_directory(top.path("file")));
}

TEST_CASE("a runtime directory that belongs to another user is refused")
{
    if (::geteuid() != 0) return;
    const test::TemporaryDirectory top;
    const std::string path = top.path("ftpcd");
    REQUIRE(make_runtime_directory(path));
    REQUIRE(::chown(path.c_str(), 41001, 41001) == 0);
    CHECK(make_runtime_directory(path).error() == Errc::unsafe_permissions);
}
