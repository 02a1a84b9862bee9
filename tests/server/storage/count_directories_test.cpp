#include "server/storage/count_directories.hpp"

#include "server/storage/tree_fixture.hpp"

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sched.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct CountTest : test::TreeFixture {
    Result<std::uint64_t> count() const { return count_directories(open("root/alice").get()); }
};

// A tree with directories of many shapes; how many are in it.
int fill(const std::string& top)
{
    int made = 0;
    const auto make = [&](const std::string& name) {
        made += ::mkdir((top + "/" + name).c_str(), 0755) == 0;
    };
    for (int i = 0; i < 30; ++i) {
        const std::string name = std::to_string(i);
        make(name);
        for (int j = 0; j < i; ++j)
            make(name + "/" + std::to_string(j));
        make(name + "/0/deep");
    }
    return made;
}

} // namespace

TEST_CASE_METHOD(CountTest, "an empty home has no directories, and each beneath it counts")
{
    CHECK(count().value() == 0);
    const int made = fill(top.path("root/alice"));
    CHECK(made == 30 + 435 + 29);
    CHECK(count().value() == static_cast<std::uint64_t>(made));
}

TEST_CASE_METHOD(CountTest, "files and links are no directories, and links are not followed")
{
    make_in_home("a");
    file("a/file");
    link("a", "to-a");
    link(".", "a/to-itself");
    link(top.path("outside"), "away");
    make("outside/x");
    CHECK(count().value() == 1);
}

TEST_CASE_METHOD(CountTest, "counting again counts again, from any reading position")
{
    make_in_home("a");
    const UniqueFd home = open("root/alice");
    CHECK(count_directories(home.get()).value() == 1);
    make_in_home("b");
    CHECK(count_directories(home.get()).value() == 2);
}

TEST_CASE_METHOD(CountTest, "an unreadable directory counts, and its contents do not")
{
    make_in_home("closed");
    make_in_home("closed/x");
    make_in_home("open");
    REQUIRE(::chmod(top.path("root/alice/closed").c_str(), 0) == 0);
    REQUIRE(::chmod(top.path().c_str(), 0755) == 0);
    const std::string counted = test::in_child([&] {
        test::drop_root();
        return std::to_string(count().value());
    });
    REQUIRE(::chmod(top.path("root/alice/closed").c_str(), 0700) == 0);
    CHECK(counted == "2");
}

TEST_CASE_METHOD(CountTest, "deep trees are counted to a thousand levels")
{
    const std::string counted = test::in_child([&]() -> std::string {
        if (::chdir(top.path("root/alice").c_str()) != 0) return "no home";
        for (int i = 0; i < 300; ++i)
            if (::mkdir("d", 0755) != 0 || ::mkdir("e", 0755) != 0 || ::mkdir("e/f", 0755) != 0 ||
                ::chdir("d") != 0)
                return "not made";
        const rlimit few{64, 64}; // however deep they are, few descriptors are held
        if (::setrlimit(RLIMIT_NOFILE, &few) != 0) return "no limit";
        return std::to_string(count().value());
    });
    CHECK(counted == "900");
}

TEST_CASE_METHOD(CountTest, "mounted directories in a home are not counted, on any file system")
{
    if (::geteuid() != 0) {
        WARN("skipped: mounting needs root");
        return;
    }
    make_in_home("mount");
    make_in_home("other");
    const std::string counted = test::in_child([&]() -> std::string {
        const std::string mount = top.path("root/alice/mount");
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            return "no mount namespace";
        if (::mount("tmpfs", mount.c_str(), "tmpfs", 0, nullptr) != 0) return "no tmpfs";
        const int made = fill(mount);
        const UniqueFd inside{::open(mount.c_str(), O_RDONLY | O_DIRECTORY)};
        return std::to_string(count().value()) + " " +
               (count_directories(inside.get()).value() == static_cast<std::uint64_t>(made) ? "all"
                                                                                            : "wrong");
    });
    if (counted == "no mount namespace" || counted == "no tmpfs") {
        WARN("skipped: " << counted);
        return;
    }
    CHECK(counted == "2 all");
}
