#include "server/directories/serve_lock.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;

TEST_CASE("a data directory is served once at a time, and the second learns by whom")
{
    const test::TemporaryDirectory data;
    UniqueFd lock = lock_for_serving(data.fd(), data.path());
    const std::string refusal =
        data.path() + " is being served already by process " + std::to_string(::getpid());
    CHECK_THROWS_WITH(lock_for_serving(data.fd(), data.path()), refusal);
    CHECK_THROWS_WITH(lock_for_serving(data.fd(), data.path()), refusal);
    lock.reset();
    CHECK_NOTHROW(lock_for_serving(data.fd(), data.path()));
}

TEST_CASE("a lock that a killed server left behind is no obstacle")
{
    const test::TemporaryDirectory data;
    data.write("serve.lock", "4294967295");
    CHECK_NOTHROW(lock_for_serving(data.fd(), data.path()));
    CHECK(data.read("serve.lock") == std::to_string(::getpid()));
}

TEST_CASE("the lock is private and is not handed on to other programs")
{
    const test::TemporaryDirectory data;
    const UniqueFd lock = lock_for_serving(data.fd(), data.path());
    struct stat status {};
    REQUIRE(::fstat(lock.get(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK((::fcntl(lock.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a link in the place of the lock is not followed")
{
    const test::TemporaryDirectory data;
    data.write("victim", "precious");
    REQUIRE(::symlink("victim", data.path("serve.lock").c_str()) == 0);
    CHECK_THROWS_WITH(lock_for_serving(data.fd(), data.path()), test::starts_with(data.path("serve.lock")));
    CHECK(data.read("victim") == "precious");
}
