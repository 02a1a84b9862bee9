// Making directories: their permissions, the parents to sync, and the targets of links.
#include "server/storage/tree.hpp"

#include "server/storage/tree_fixture.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;
using test::inode;
using test::inodes;
using test::path;
using Lookup = Tree::Lookup;

namespace {

struct TreeTest : test::TreeFixture {
    Lookup lookup = GENERATE(Lookup::beneath, Lookup::walk);
    Tree tree_ = tree(lookup);
    Directory home = tree_.open_home("alice").value();

    std::string mkd(std::string_view name) const { return failure_text(test::make(tree_, home, path(name))); }
    std::string make_path(std::string_view name) const
    {
        const auto made = test::make_with_parents(tree_, home, path(name));
        return made && !made->path_made ? "was there" : failure_text(made);
    }
    std::string open_path(std::string_view name) const { return failure_text(tree_.open(home, path(name))); }
};

// Links are followed in one of the two ways only.
struct LinkTest : test::TreeFixture {
    Tree beneath = tree(Lookup::beneath);
    Tree walk = tree(Lookup::walk);
    Directory home = beneath.open_home("alice").value();

    std::string mkd(const Tree& in, std::string_view name) const
    {
        return failure_text(test::make(in, home, path(name)));
    }
    std::string make_path(const Tree& in, std::string_view name) const
    {
        const auto made = test::make_with_parents(in, home, path(name));
        return made && !made->path_made ? "was there" : failure_text(made);
    }
};

} // namespace

TEST_CASE_METHOD(TreeTest, "a directory is made in its parent")
{
    CHECK(mkd("/a") == "done");
    CHECK(mkd("/a/b") == "done");
    CHECK(mkd("/a/b/资料 \"x\"") == "done");
    CHECK(is_directory("a/b/资料 \"x\""));
    CHECK(failure_text(test::make_in(tree_, home, "c")) == "done");
    CHECK(is_directory("c"));
}

TEST_CASE_METHOD(TreeTest, "the home is there already, and its own path opens it")
{
    CHECK(mkd("/") == "directory exists");
    CHECK(make_path("/") == "was there");
    CHECK(tree_.open(home, RemotePath{}).value() == home);
}

TEST_CASE_METHOD(TreeTest, "a home may lie deep in the tree, and must be there")
{
    make("root/staff");
    make("root/staff/bob");
    CHECK(failure_text(tree_.open_home("staff/bob")) == "done");
    CHECK(failure_text(tree_.open_home("nobody")) == "No such file or directory");
}

TEST_CASE_METHOD(test::TreeFixture, "a home that leads out of the tree is not opened")
{
    for (const Lookup lookup : {Lookup::beneath, Lookup::walk}) {
        REQUIRE(::symlink("../outside", top.path("root/away").c_str()) == 0);
        CHECK_FALSE(tree(lookup).open_home("away"));
        REQUIRE(::unlink(top.path("root/away").c_str()) == 0);
    }
    CHECK(failure_text(tree().open_home("../outside")) == "Invalid cross-device link");
}

TEST_CASE_METHOD(TreeTest, "new directories have exactly the mode of the setting")
{
    for (const mode_t wanted : {0700U, 0755U, 0750U, 0777U, 01777U, 0711U}) {
        tree_.set_directory_mode(wanted);
        const std::string name = std::to_string(wanted);
        CHECK(mkd(name) == "done");
        CHECK(make_path(name + "x/y") == "done");
        CHECK(mode(name) == wanted);
        CHECK(mode(name + "x") == wanted);
        CHECK(mode(name + "x/y") == wanted);
    }
}

TEST_CASE_METHOD(TreeTest, "MKD syncs the parent that it made an entry in")
{
    make_in_home("a");
    const auto in_home = test::make(tree_, home, path("/x"));
    CHECK(in_home->path_made);
    CHECK(inodes(in_home->parents) == std::vector{inode(home->fd.get())});
    CHECK(inodes(test::make(tree_, home, path("/a/x"))->parents) == std::vector{inode_in_home("a")});
    const Directory a = tree_.open(home, path("/a")).value();
    CHECK(inodes(test::make_in(tree_, a, "y")->parents) == std::vector{inode(a->fd.get())});
}

TEST_CASE_METHOD(TreeTest, "a path that is missing as a whole is made, and each parent is synced")
{
    const auto made = test::make_with_parents(tree_, home, path("/a/b/c"));
    REQUIRE(made);
    CHECK(made->path_made);
    CHECK(is_directory("a/b/c"));
    CHECK(inodes(made->parents) ==
          std::vector{inode(home->fd.get()), inode_in_home("a"), inode_in_home("a/b")});
}

TEST_CASE_METHOD(TreeTest, "a path that is there in part is completed, and each parent is synced")
{
    make_in_home("a");
    const auto made = test::make_with_parents(tree_, home, path("/a/b/c"));
    REQUIRE(made);
    CHECK(made->path_made);
    CHECK(inodes(made->parents) ==
          std::vector{inode(home->fd.get()), inode_in_home("a"), inode_in_home("a/b")});
}

TEST_CASE_METHOD(TreeTest,
                 "a path that was there as a whole is synced as a whole, since it is acknowledged as one")
{
    make_in_home("a");
    make_in_home("a/b");
    const auto made = test::make_with_parents(tree_, home, path("/a/b"));
    REQUIRE(made);
    CHECK_FALSE(made->path_made);
    CHECK(inodes(made->parents) == std::vector{inode(home->fd.get()), inode_in_home("a")});
    CHECK(inodes(test::make_with_parents(tree_, home, {})->parents) == std::vector{inode(home->fd.get())});
}

TEST_CASE_METHOD(TreeTest, "a path whose parent is there needs the sync of that parent only")
{
    make_in_home("a");
    const auto made = test::make_with_parents(tree_, home, path("/a/b"));
    REQUIRE(made);
    CHECK(made->path_made);
    CHECK(inodes(made->parents) == std::vector{inode_in_home("a")});
}

TEST_CASE_METHOD(TreeTest, "a path of 64 names is made in one go")
{
    std::string deep;
    for (int i = 0; i < 64; ++i)
        deep.append("/").append(60, static_cast<char>('a' + i % 26));
    CHECK(make_path(deep) == "done");
    CHECK(make_path(deep) == "was there");
    CHECK(open_path(deep) == "done");
    CHECK(mkd(deep) == "directory exists");
}

TEST_CASE_METHOD(TreeTest, "a file in the way stops a path")
{
    make_in_home("a");
    file("a/f");
    CHECK(make_path("/a/f") == "File exists");
    CHECK(make_path("/a/f/x") == "Not a directory");
    CHECK(make_path("/a/f/x/y") == "Not a directory");
}

TEST_CASE_METHOD(LinkTest, "a link to a directory inside the home is followed beneath, and not on the walk")
{
    make_in_home("a");
    make_in_home("a/deep");
    link("a/deep", "down");
    link("../a", "a/deep/up");
    link("down", "twice");
    CHECK(mkd(beneath, "/down/x") == "done");
    CHECK(is_directory("a/deep/x"));
    CHECK(mkd(beneath, "/twice/y") == "done");
    CHECK(is_directory("a/deep/y"));
    CHECK(make_path(beneath, "/twice/p/q") == "done");
    CHECK(is_directory("a/deep/p/q"));
    CHECK(make_path(beneath, "/twice/p") == "was there");
    CHECK(make_path(beneath, "/down") == "was there");
    CHECK(mkd(walk, "/down/z") == "Not a directory");
    CHECK(make_path(walk, "/down/p/z") == "Not a directory");
    CHECK(make_path(walk, "/down") == "File exists");
}

TEST_CASE_METHOD(LinkTest, "the name of a link is taken, for any target")
{
    make_in_home("a");
    link("a", "inside");
    link("nowhere", "dangling");
    link("../../outside", "away");
    for (const Tree* const one : {&beneath, &walk}) {
        CHECK(mkd(*one, "/inside") == "File exists");
        CHECK(mkd(*one, "/dangling") == "File exists");
        CHECK(mkd(*one, "/away") == "File exists");
    }
    CHECK_FALSE(is_directory("nowhere"));
}

TEST_CASE_METHOD(LinkTest, "a link that leads out of the home is never followed")
{
    make("root/bob");
    make("outside/there");
    link("../../outside", "relative");
    link(top.path("outside"), "absolute");
    link("../bob", "bob");
    link("..", "up");
    link("/", "slash");
    link("relative", "hop");
    link("/proc/self/cwd", "magic");
    link(top.path("root/alice"), "home");
    for (const std::string name : {"relative", "absolute", "bob", "up", "slash", "hop", "magic", "home"}) {
        INFO(name);
        CHECK(mkd(beneath, "/" + name + "/x") == "Invalid cross-device link");
        CHECK(make_path(beneath, "/" + name + "/x") == "Invalid cross-device link");
        CHECK(make_path(beneath, "/" + name + "/x/y") == "Invalid cross-device link");
        CHECK(failure_text(beneath.open(home, path("/" + name))) == "Invalid cross-device link");
        CHECK(mkd(walk, "/" + name + "/x") == "Not a directory");
        CHECK(make_path(walk, "/" + name + "/x/y") == "Not a directory");
        CHECK(failure_text(walk.open(home, path("/" + name))) == "Not a directory");
    }
    CHECK(mkd(beneath, "/relative/there/x") == "Invalid cross-device link");
    CHECK(mkd(walk, "/relative/there/x") == "Not a directory");
    CHECK(top.names() == std::vector<std::string>{"outside", "root"});
    CHECK_FALSE(is_directory("../bob/x"));
    CHECK_FALSE(is_directory("../../outside/x"));
    CHECK_FALSE(is_directory("../../outside/there/x"));
}

TEST_CASE_METHOD(LinkTest, "an absolute link is not followed, even if its target is in the home")
{
    make_in_home("data");
    link(top.path("root/alice/data"), "absolute");
    link("/data", "from-home");
    link("data", "relative");
    for (const std::string name : {"absolute", "from-home"}) {
        INFO(name);
        CHECK(failure_text(beneath.open(home, path("/" + name))) == "Invalid cross-device link");
        CHECK(mkd(beneath, "/" + name + "/x") == "Invalid cross-device link");
        CHECK(make_path(beneath, "/" + name + "/x/y") == "Invalid cross-device link");
    }
    CHECK(mkd(beneath, "/relative/x") == "done");
}

TEST_CASE_METHOD(LinkTest, "links that go round in circles end")
{
    link("b", "a");
    link("a", "b");
    link("self", "self");
    CHECK(mkd(beneath, "/a/x") == "Too many levels of symbolic links");
    CHECK(make_path(beneath, "/self/x/y") == "Too many levels of symbolic links");
    CHECK(mkd(walk, "/a/x") == "Not a directory");
}

TEST_CASE_METHOD(LinkTest, "a link to nowhere in the middle of a path is not made into a directory")
{
    link("nowhere", "dangling");
    CHECK(mkd(beneath, "/dangling/x") == "No such file or directory");
    CHECK(make_path(beneath, "/dangling/x") == "No such file or directory");
    CHECK_FALSE(is_directory("nowhere"));
}

TEST_CASE_METHOD(test::TreeFixture, "openat2 is used if it is there")
{
    CHECK((Tree{open("root"), 0755}.lookup() == Lookup::beneath));
}

TEST_CASE_METHOD(TreeTest, "a parent that was looked up a moment ago is not looked up again")
{
    RecentParent recent;
    const Tree::Terms terms{.recent = &recent};
    make("root/alice/p");
    make("root/alice/q");
    const auto parent_of = [&](std::string_view name) {
        const auto made = test::make(tree_, home, path(name), terms);
        REQUIRE(made);
        return made->parents.begin()->directory;
    };
    const Directory first = parent_of("/p/1");
    CHECK(parent_of("/p/2") == first);
    CHECK(failure_text(test::make(tree_, home, path("/p/2"), terms)) == "directory exists");
    CHECK(failure_text(test::make_with_parents(tree_, home, path("/p/3"), terms)) == "done");
    const Directory other = parent_of("/q/1");
    CHECK(other != first);
    CHECK(parent_of("/q/2") == other);
    CHECK(parent_of("/p/4") != first);
    CHECK(parent_of("/here") == home);
    for (const char* there : {"p/1", "p/2", "p/3", "p/4", "q/1", "q/2", "here"})
        CHECK(is_directory(there));
}

TEST_CASE_METHOD(TreeTest, "a recent parent is another user's only if it is reached from that user's home")
{
    RecentParent recent;
    const Tree::Terms terms{.recent = &recent};
    make("root/alice/p");
    make("root/bob");
    make("root/bob/p");
    const Directory bobs = tree_.open_home("bob").value();
    CHECK(failure_text(test::make(tree_, home, path("/p/alices"), terms)) == "done");
    CHECK(failure_text(test::make(tree_, bobs, path("/p/bobs"), terms)) == "done");
    CHECK(is_directory("p/alices"));
    CHECK_FALSE(is_directory("p/bobs"));
}

TEST_CASE_METHOD(TreeTest, "a deep path holds few descriptors until it is synced")
{
    std::string deep;
    for (int i = 0; i < 64; ++i)
        deep += "/d";
    const auto made = test::make_with_parents(tree_, home, path(deep));
    REQUIRE(made);
    CHECK(made->directories == 64);
    CHECK(made->parents.size() <= Parents::most_of_session);
}

TEST_CASE_METHOD(TreeTest, "a recent parent that was removed is looked up anew")
{
    RecentParent recent;
    const Tree::Terms terms{.recent = &recent};
    make("root/alice/p");
    REQUIRE(test::make(tree_, home, path("/p/1"), terms));
    std::filesystem::remove_all(top.path("root/alice/p"));
    CHECK(failure_text(test::make(tree_, home, path("/p/2"), terms)) == "No such file or directory");
    make("root/alice/p");
    CHECK(failure_text(test::make(tree_, home, path("/p/2"), terms)) == "done");
    CHECK(is_directory("p/2"));
}
