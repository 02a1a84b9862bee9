#include "server/running/opened_directory.hpp"

#include "support/catch.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

using namespace ftpc;
using namespace ftpc::server;

TEST_CASE("a path is absolute and written in one way")
{
    CHECK(absolute_path("/a//b/../c/") == "/a/c");
    CHECK(absolute_path("/a/./c//") == "/a/c");
    CHECK(absolute_path("/a/c") == "/a/c");
    CHECK(absolute_path("/") == "/");
    CHECK(absolute_path("//") == "/");
    CHECK(absolute_path("//a/b") == "/a/b");
    CHECK(absolute_path("/../a/../..") == "/");
    CHECK(absolute_path("").empty());
    CHECK(absolute_path("c").ends_with("/c"));
    CHECK(absolute_path("c").starts_with("/"));
    CHECK(absolute_path("./") == absolute_path("."));
}

TEST_CASE("a directory in the place of another is another one, and a moved one is the same")
{
    const test::TemporaryDirectory top;
    const std::string path = top.path("data");
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    const OpenedDirectory before = describe_now(path);
    REQUIRE(std::rename(path.c_str(), top.path("moved").c_str()) == 0);
    CHECK(describe_now(path).identity == DirectoryIdentity{});
    CHECK_FALSE(identity_of(path));
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    CHECK(describe_now(path).identity != before.identity);
    CHECK(describe_now(top.path("moved")).identity == before.identity);
}

TEST_CASE("a directory opened through a link is described with both names")
{
    const test::TemporaryDirectory top;
    REQUIRE(::mkdir(top.path("v1").c_str(), 0700) == 0);
    REQUIRE(::symlink("v1", top.path("current").c_str()) == 0);
    const OpenedDirectory opened = describe_now(top.path("current/"));
    CHECK(opened.path == top.path("current"));
    CHECK(opened.real_path == top.path("v1"));
    CHECK(opened.identity == *identity_of(top.path("v1")));
}
