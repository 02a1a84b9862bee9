#include "server/admin/home_directory.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct Umask {
    mode_t before = ::umask(077);
    ~Umask() { ::umask(before); }
};

struct Tree : test::TemporaryDirectory {
    mode_t mode(const char* name) const
    {
        struct stat status {};
        REQUIRE(::fstatat(fd(), name, &status, AT_SYMLINK_NOFOLLOW) == 0);
        return status.st_mode;
    }
};

} // namespace

TEST_CASE_METHOD(Tree, "a home is made with its parents and with the mode, under any umask")
{
    const Umask strict;
    make_home_directory(fd(), "staff/资料/alice", 0755, {});
    CHECK(mode("staff") == (S_IFDIR | 0755));
    CHECK(mode("staff/资料") == (S_IFDIR | 0755));
    CHECK(mode("staff/资料/alice") == (S_IFDIR | 0755));
}

TEST_CASE_METHOD(Tree, "a home that is there stays as it is")
{
    make_home_directory(fd(), "alice", 0700, {});
    make_home_directory(fd(), "alice", 0755, {});
    CHECK(mode("alice") == (S_IFDIR | 0700));
}

TEST_CASE_METHOD(Tree, "a file or a symbolic link in the way is an error that names the home")
{
    write("file", "");
    REQUIRE(::symlinkat("/", fd(), "link") == 0);
    for (const char* home : {"file", "file/alice", "link", "link/tmp/alice"})
        CHECK_THROWS_WITH(make_home_directory(fd(), home, 0755, {}),
                          test::contains(std::string{home} + "/: "));
}

TEST_CASE_METHOD(Tree, "a home belongs to its owner")
{
    if (::geteuid() != 0) return; // only root gives files away
    make_home_directory(fd(), "a/b", 0755, FileOwner{12345, 23456});
    struct stat status {};
    REQUIRE(::fstatat(fd(), "a", &status, 0) == 0);
    CHECK(status.st_uid == 12345);
    CHECK(status.st_gid == 23456);
}

TEST_CASE_METHOD(Tree, "a new directory can be removed again, but not one that was there or is in use")
{
    REQUIRE(::mkdirat(fd(), "staff", 0700) == 0);
    const auto made = make_home_directory(fd(), "staff/a/b", 0755, {});
    REQUIRE(made.size() == 2);
    remove_directories(made);
    CHECK(names() == std::vector<std::string>{"staff"});
    CHECK(::faccessat(fd(), "staff/a", F_OK, 0) != 0);

    const auto again = make_home_directory(fd(), "staff/a/b", 0755, {});
    REQUIRE(::mkdirat(fd(), "staff/a/other", 0700) == 0);
    remove_directories(again);
    CHECK(::faccessat(fd(), "staff/a/b", F_OK, 0) != 0);
    CHECK(::faccessat(fd(), "staff/a/other", F_OK, 0) == 0);
}

TEST_CASE_METHOD(Tree, "a home that cannot be made leaves nothing behind")
{
    CHECK_THROWS(make_home_directory(fd(), "a/b/" + std::string(256, 'n'), 0755, {}));
    CHECK(names().empty());
}

TEST_CASE_METHOD(Tree, "a home that was cut off before it was given away is finished, one in use is not")
{
    if (::geteuid() != 0) return; // only root gives files away
    REQUIRE(::mkdirat(fd(), "cut-off", 0700) == 0);
    REQUIRE(::mkdirat(fd(), "in-use", 0700) == 0);
    REQUIRE(::mkdirat(fd(), "in-use/x", 0700) == 0);
    for (const char* home : {"cut-off", "in-use"})
        make_home_directory(fd(), home, 0755, FileOwner{12345, 23456});
    struct stat status {};
    REQUIRE(::fstatat(fd(), "cut-off", &status, 0) == 0);
    CHECK(status.st_uid == 12345);
    CHECK(mode("cut-off") == (S_IFDIR | 0755));
    CHECK(mode("in-use") == (S_IFDIR | 0700));
}
