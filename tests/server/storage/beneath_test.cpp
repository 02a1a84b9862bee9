#include "server/storage/beneath.hpp"

#include "server/storage/tree_fixture.hpp"

#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;
using test::inode;

namespace {

struct BeneathTest : test::TreeFixture {
    UniqueFd home = open("root/alice");

    std::string beneath(const char* path) const
    {
        return failure_text(open_beneath(home.get(), path, O_RDONLY));
    }
    std::string walking(const char* path) const
    {
        return failure_text(open_by_walking(home.get(), path, O_RDONLY));
    }
};

} // namespace

TEST_CASE_METHOD(BeneathTest,
                 "openat2 works on this kernel, and a descriptor that is none does not hide that")
{
    CHECK(openat2_works(home.get()));
    CHECK(openat2_works(-1));
}

TEST_CASE_METHOD(BeneathTest, "both ways open the same directory")
{
    make_in_home("a");
    make_in_home("a/b");
    const auto one = open_beneath(home.get(), "a/b", O_RDONLY);
    const auto other = open_by_walking(home.get(), "a/b", O_RDONLY);
    REQUIRE(one);
    REQUIRE(other);
    CHECK(inode(one->get()) == inode(other->get()));
    CHECK(inode(one->get()) == inode_in_home("a/b"));
}

TEST_CASE_METHOD(BeneathTest, "descriptors are closed when another program is executed")
{
    make_in_home("a");
    CHECK((::fcntl(open_beneath(home.get(), "a", O_RDONLY)->get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(open_by_walking(home.get(), "a", O_RDONLY)->get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE_METHOD(BeneathTest, "nothing above the base is opened, by words or by an absolute path")
{
    for (const char* const path : {"..", "../alice", "/", "/tmp"})
        CHECK(beneath(path) == "Invalid cross-device link");
    make_in_home("a");
    CHECK(beneath("a/..") == "done");
    CHECK(beneath("a/../..") == "Invalid cross-device link");
}

TEST_CASE_METHOD(BeneathTest, "only directories are opened")
{
    file("f");
    REQUIRE(::mkfifo(top.path("root/alice/p").c_str(), 0600) == 0);
    for (const char* const path : {"f", "p"}) { // a FIFO would hang its opener for reading
        CHECK(beneath(path) == "Not a directory");
        CHECK(walking(path) == "Not a directory");
    }
    CHECK(beneath("none") == "No such file or directory");
    CHECK(walking("none") == "No such file or directory");
}

TEST_CASE_METHOD(BeneathTest, "a walk follows no link at any place of the path")
{
    make_in_home("a");
    make_in_home("a/b");
    link("a", "l");
    link("b", "a/m");
    for (const char* const path : {"l", "l/b", "a/m"}) {
        CHECK(walking(path) == "Not a directory");
        CHECK(beneath(path) == "done");
    }
}
