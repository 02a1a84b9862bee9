// The event loop itself makes nothing on a file system that is not local. It makes nothing either on one that
// is mounted in a home, which may not be local.
#include "server/storage/tree.hpp"

#include "server/storage/tree_fixture.hpp"

#include <sys/stat.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;
using test::path;
using Lookup = Tree::Lookup;

namespace {

const std::string would_wait = make_error_code(Errc::would_wait).message();

using MountTest = test::TreeFixture;

} // namespace

TEST_CASE_METHOD(MountTest, "the loop makes directories of a local file system itself")
{
    const Tree tree_ = tree();
    REQUIRE(tree_.share_root()->local);
    const Directory home = tree_.open_home("alice", Blocking::never).value();
    CHECK(home->local);
    CHECK(home->in_home);
    const Tree::Terms never_blocking{Blocking::never};
    CHECK(failure_text(test::make(tree_, home, path("/a"), never_blocking)) == "done");
    CHECK(failure_text(test::make_with_parents(tree_, home, path("/b/c/d"), never_blocking)) == "done");
    CHECK(failure_text(test::make_in(tree_, home, "a", never_blocking)) == "directory exists");
    file("f");
    link("/", "l");
    CHECK(failure_text(test::make_in(tree_, home, "f", never_blocking)) == "File exists");
    CHECK(failure_text(test::make_in(tree_, home, "l", never_blocking)) == "File exists");
    CHECK(tree_.open(home, path("/b/c"), Blocking::never).value()->local);
}

TEST_CASE_METHOD(MountTest, "the loop steps into no mount, and asks no mounted file system")
{
    with_mount(
        [this]() -> std::string {
            const Tree tree_ = tree();
            const Directory home = tree_.open_home("alice", Blocking::never).value();
            const Tree::Terms never_blocking{Blocking::never};
            std::string said;
            for (const auto& text :
                 {failure_text(test::make(tree_, home, path("/mount/x"), never_blocking)),
                  failure_text(test::make_with_parents(tree_, home, path("/mount/x/y"), never_blocking)),
                  failure_text(test::make_in(tree_, home, "mount", never_blocking)),
                  failure_text(tree_.open(home, path("/mount"), Blocking::never))})
                said += text == would_wait ? "wait " : text + " ";
            return said + failure_text(test::make_with_parents(tree_, home, path("/a/b"), never_blocking));
        },
        "wait wait wait wait done");
}

TEST_CASE_METHOD(MountTest,
                 "a caller that may wait goes across mounts, which do not count for the home's quota")
{
    with_mount(
        [this]() -> std::string {
            const Tree tree_ = tree();
            const Directory home = tree_.open_home("alice").value();
            std::string said = failure_text(test::make_in(tree_, home, "mount")) + ", " +
                               failure_text(test::make(tree_, home, path("/mount/x"))) + ", " +
                               failure_text(test::make_with_parents(tree_, home, path("/mount/y/z"))) + ", ";
            const Directory there = tree_.open(home, path("/mount/y")).value();
            said += there->in_home ? "in home, " : "outside, ";
            said += there->local ? "local, " : "not local, ";
            const auto quota = std::make_shared<HomeQuota>([] { return Result<std::uint64_t>{1U}; });
            const Allowance allowance{quota, 1, HomeQuota::Clock::now()};
            const Tree::Terms terms{.allowance = &allowance};
            said += failure_text(test::make_in(tree_, there, "free", terms)) + ", ";
            return said + (test::make_in(tree_, home, "counted", terms).error() == Errc::over_quota
                               ? "counted"
                               : "not");
        },
        "directory exists, done, done, outside, local, done, counted");
}

TEST_CASE_METHOD(MountTest, "without openat2, and by the setting, all is handed over")
{
    CHECK_FALSE(tree(Lookup::walk).share_root()->local);
    const Tree always{open("root"), 0755, Lookup::beneath, HandOver::always};
    CHECK(always.open_home("alice", Blocking::never).error() == Errc::would_wait);
    const Directory home = always.open_home("alice").value();
    CHECK(failure_text(test::make_in(always, home, "x", {Blocking::never})) == would_wait);
    CHECK(failure_text(test::make_in(always, home, "x")) == "done");
}

TEST_CASE_METHOD(MountTest, "by the setting nothing is handed over, with any mounts")
{
    with_mount(
        [this]() -> std::string {
            const Tree never{open("root"), 0755, Lookup::beneath, HandOver::never};
            const Directory home = never.open_home("alice", Blocking::never).value();
            const Tree::Terms never_blocking{Blocking::never};
            return failure_text(test::make(never, home, path("/mount/x"), never_blocking)) + ", " +
                   failure_text(test::make_in(never, home, "mount", never_blocking));
        },
        "done, directory exists");
}
