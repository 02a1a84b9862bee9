// Sessions in the same home share the objects that belong to it.
#include "server/ftp/commands/client_directories.hpp"

#include "server/storage/count_directories.hpp"
#include "server/storage/tree_fixture.hpp"

#include <sys/mount.h>

#include <sched.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;
using test::inode;
using test::inodes;
using test::path;

namespace {

struct ClientDirectoriesTest : test::TreeFixture {
    Homes homes;

    ClientDirectories enter(std::string_view home)
    {
        return client_directories(open_home(tree(), home, Blocking::any).value(), homes);
    }
};

// A home of a user with a limit, in which a count is good until the test says otherwise.
struct LimitedSessionTest : test::TreeFixture {
    HomeQuota::Clock::time_point now{1h};
    Tree tree_ = tree();
    Homes homes;
    ClientDirectories place = client_directories(open_home(tree_, "alice", Blocking::any).value(), homes);

    LimitedSessionTest()
    {
        const auto count = [fd = place.home->fd.get()] { return count_directories(fd); };
        place.quota = std::make_shared<HomeQuota>(count, [this] { return now; });
    }
    MkdirResult make_path(std::string_view text, Blocking blocking) const
    {
        return make_directories(tree_, place, MakePath{path(text)}, now, blocking);
    }
    // So that the next command is not refused by it.
    void count_now()
    {
        REQUIRE(place.quota->take(place.max_dirs, now, true));
        now += 1us;
    }
};

} // namespace

TEST_CASE_METHOD(LimitedSessionTest, "a path that is made in two attempts is one, with all its parents")
{
    make_in_home("other");
    place.max_dirs = 3;
    count_now();
    REQUIRE(std::filesystem::remove(top.path("root/alice/other"))); // which nobody here knows
    MkdirResult result = make_path("/a/b/c", Blocking::never);
    CHECK(result.failure == Errc::must_count);
    CHECK(is_directory("a/b"));
    CHECK_FALSE(is_directory("a/b/c"));
    result.add(make_path("/a/b/c", Blocking::to_count));
    CHECK_FALSE(result.failure);
    CHECK(result.path_made);
    CHECK(result.directories == 3);
    CHECK(result.below == 0);
    CHECK(inodes(result.parents) ==
          std::vector{inode(place.home->fd.get()), inode_in_home("a"), inode_in_home("a/b")});
}

TEST_CASE_METHOD(LimitedSessionTest, "a path that is refused half-way names its new part")
{
    place.max_dirs = 2;
    count_now();
    MkdirResult result = make_path("/a/b/c/dd/e", Blocking::never);
    CHECK(result.failure == Errc::must_count);
    result.add(make_path("/a/b/c/dd/e", Blocking::to_count));
    CHECK(result.failure == Errc::over_quota);
    CHECK_FALSE(result.path_made);
    CHECK(result.directories == 2);
    CHECK(result.below == std::string{"/c/dd/e"}.size());
    CHECK(inodes(result.parents) == std::vector{inode(place.home->fd.get()), inode_in_home("a")});
}

TEST_CASE_METHOD(LimitedSessionTest, "a path of which nothing could be made needs no sync")
{
    make_in_home("a");
    make_in_home("a/b");
    place.max_dirs = 2;
    const MkdirResult result = make_path("/a/b/c/d", Blocking::to_count);
    CHECK(result.failure == Errc::over_quota);
    CHECK(result.directories == 0);
    CHECK(result.parents.empty());
}

TEST_CASE_METHOD(ClientDirectoriesTest, "sessions in one home share its descriptor and its quota")
{
    const ClientDirectories first = enter("alice");
    const ClientDirectories second = enter("alice");
    CHECK(first.home == second.home);
    CHECK(second.home == second.working_directory);
    CHECK(first.quota == second.quota);
}

TEST_CASE_METHOD(ClientDirectoriesTest,
                 "homes on a local disk wait apart from one another, also where all is handed over")
{
    make("root/bob");
    const Tree all_handed_over{open("root"), 0755, HandOver::always};
    const auto lane = [&](std::string_view home) {
        return client_directories(open_home(all_handed_over, home, Blocking::any).value(), homes).waiting.key;
    };
    CHECK(lane("alice") == lane("alice"));
    CHECK(lane("alice") != lane("bob"));
    CHECK(lane_of_home(all_handed_over, "alice").key != lane_of_home(all_handed_over, "bob").key);
}

TEST_CASE_METHOD(ClientDirectoriesTest,
                 "a home that took the place of another is shared with nobody in the old one")
{
    const ClientDirectories before = enter("alice");
    const auto home = top.path("root/alice");
    std::filesystem::rename(home, home + ".old");
    std::filesystem::create_directory(home);
    const ClientDirectories after = enter("alice");
    CHECK(before.home != after.home);
    CHECK(before.quota != after.quota);
    CHECK(enter("alice.old").home == before.home);
}

TEST_CASE_METHOD(ClientDirectoriesTest, "a home's descriptor and its quota go with its last session")
{
    std::weak_ptr<const OpenDirectory> home;
    std::weak_ptr<HomeQuota> quota;
    {
        const ClientDirectories place = enter("alice");
        home = place.home;
        quota = place.quota;
    }
    CHECK(home.expired());
    CHECK(quota.expired());
    CHECK(enter("alice").home);
}

TEST_CASE_METHOD(ClientDirectoriesTest,
                 "through another mount a home has a descriptor of its own, and the same quota")
{
    if (::geteuid() != 0) {
        WARN("skipped: mounting needs root");
        return;
    }
    std::filesystem::create_directory(top.path("root/mount"));
    const std::string result = test::in_child([this]() -> std::string {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount(top.path("root/alice").c_str(), top.path("root/mount").c_str(), nullptr, MS_BIND,
                    nullptr) != 0)
            return "cannot mount";
        const ClientDirectories direct = enter("alice");
        const ClientDirectories mounted = enter("mount");
        return std::string{"descriptors: "} + (direct.home == mounted.home ? "one" : "two") +
               ", quotas: " + (direct.quota == mounted.quota ? "one" : "two");
    });
    if (result == "cannot mount")
        WARN("skipped: nothing can be mounted here");
    else
        CHECK(result == "descriptors: two, quotas: one");
}
