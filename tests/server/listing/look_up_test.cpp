#include "server/listing/look_up.hpp"

#include "server/storage/tree_fixture.hpp"
#include "shared/base/error.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;

namespace {

struct LookUpTest : test::TreeFixture {
    Tree storage = tree();
    Directory home = storage.open_home("alice").value();

    Result<Entry> look(std::string_view path, Blocking blocking = Blocking::any) const
    {
        return look_up(storage, home, test::path(path), blocking);
    }
    std::string failure(std::string_view path) const { return failure_text(look(path)); }
};

} // namespace

TEST_CASE_METHOD(LookUpTest, "a file has its name, size, time and mode")
{
    make_in_home("a");
    file("a/notes.txt");
    REQUIRE(::chmod(top.path("root/alice/a/notes.txt").c_str(), 0640) == 0);
    const timespec times[2]{{1, 0}, {-86400, 0}};
    REQUIRE(::utimensat(AT_FDCWD, top.path("root/alice/a/notes.txt").c_str(), times, 0) == 0);
    const Entry entry = look("/a/notes.txt").value();
    CHECK(entry.name == "notes.txt");
    CHECK(entry.kind == EntryKind::file);
    CHECK(entry.size == 8);
    CHECK(entry.modified == -86400);
    CHECK(entry.mode == (S_IFREG | 0640U));
    CHECK(entry.links == 1);
}

TEST_CASE_METHOD(LookUpTest, "a directory and the home itself are directories")
{
    make_in_home("a");
    CHECK(look("/a").value().kind == EntryKind::directory);
    CHECK(look("/a").value().inode == inode_in_home("a"));
    CHECK(look("/").value().kind == EntryKind::directory);
    CHECK(look("/").value().inode == inode_in_home("."));
    CHECK(look("/").value().name.empty());
}

TEST_CASE_METHOD(LookUpTest, "a link inside the home counts as its target")
{
    make_in_home("a");
    file("a/f");
    link("a", "to-directory");
    link("a/f", "to-file");
    link("../to-file", "a/to-link");
    CHECK(look("/to-directory").value().kind == EntryKind::directory);
    CHECK(look("/to-directory/f").value().kind == EntryKind::file);
    CHECK(look("/to-file").value().inode == look("/a/f").value().inode);
    CHECK(look("/a/to-link").value().inode == look("/a/f").value().inode);
}

TEST_CASE_METHOD(LookUpTest, "a link that leads out of the home, or nowhere, fails")
{
    top.write("outside/secret", "x");
    link("../../outside/secret", "out");
    link("../../outside", "out-directory");
    link(top.path("root/alice"), "absolute");
    link("none", "dangling");
    link("loop", "loop");
    CHECK(failure("/out") == "Invalid cross-device link");
    CHECK(failure("/out-directory/secret") == "Invalid cross-device link");
    CHECK(failure("/absolute") == "Invalid cross-device link");
    CHECK(failure("/dangling") == "No such file or directory");
    CHECK(failure("/loop") == "Too many levels of symbolic links");
}

TEST_CASE_METHOD(LookUpTest, "a missing name and a path through a file fail")
{
    file("f");
    CHECK(failure("/none") == "No such file or directory");
    CHECK(failure("/none/x") == "No such file or directory");
    CHECK(failure("/f/x") == "Not a directory");
}

TEST_CASE_METHOD(LookUpTest, "a FIFO is looked at without a writer, and a device is not opened")
{
    REQUIRE(::mkfifo(top.path("root/alice/fifo").c_str(), 0600) == 0);
    link("fifo", "to-fifo");
    CHECK(look("/fifo").value().kind == EntryKind::other);
    CHECK(look("/to-fifo").value().kind == EntryKind::other);
    // No driver has this number: opening it would fail.
    if (::mknod(top.path("root/alice/device").c_str(), S_IFCHR | 0666, makedev(4095, 1)) == 0)
        CHECK(look("/device").value().kind == EntryKind::other);
}

TEST_CASE_METHOD(LookUpTest, "a thread that must not wait gets the facts of a local file system")
{
    file("f");
    CHECK(look("/f", Blocking::never).value().kind == EntryKind::file);
    CHECK(look("/", Blocking::never).value().kind == EntryKind::directory);
    CHECK(failure_text(look("/none", Blocking::never)) == "No such file or directory");
}

TEST_CASE_METHOD(LookUpTest, "a thread that must not wait asks nothing if all calls are handed over")
{
    const Tree handing_over{open("root"), 0755, HandOver::always};
    const Directory there = handing_over.open_home("alice").value();
    for (const std::string_view path : {"/", "/none"})
        CHECK(look_up(handing_over, there, test::path(path), Blocking::never).error() == Errc::would_wait);
    CHECK(look_up(handing_over, there, test::path("/"), Blocking::any));
}

TEST_CASE_METHOD(LookUpTest, "a thread that must not wait does not cross a mount, and another does")
{
    const auto look_twice = [this] {
        top.write("root/alice/mount/f", "x");
        const Tree mounted = tree();
        const Directory there = mounted.open_home("alice").value();
        std::string all;
        for (const std::string_view path : {"/mount", "/mount/f"}) {
            const auto cautious = look_up(mounted, there, test::path(path), Blocking::never);
            all +=
                cautious.has_error() && cautious.error() == Errc::would_wait ? "would wait, " : "did not, ";
            all += failure_text(look_up(mounted, there, test::path(path), Blocking::any)) + "; ";
        }
        return all;
    };
    with_mount(look_twice, "would wait, done; would wait, done; ");
}

TEST_CASE_METHOD(LookUpTest, "without openat2 no link is followed, and all else is found")
{
    make_in_home("a");
    file("a/f");
    link("a", "to-directory");
    link("a/f", "to-file");
    const Tree walking = tree(Tree::Lookup::walk);
    const auto by_walking = [&](std::string_view path) {
        return look_up(walking, home, test::path(path), Blocking::any);
    };
    CHECK(by_walking("/a/f").value().inode == look("/a/f").value().inode);
    CHECK(by_walking("/a").value().kind == EntryKind::directory);
    CHECK(by_walking("/").value().kind == EntryKind::directory);
    CHECK(failure_text(by_walking("/to-file")) == "Too many levels of symbolic links");
    CHECK(failure_text(by_walking("/to-directory/f")) == "Not a directory");
    CHECK(failure_text(by_walking("/none")) == "No such file or directory");
}

TEST_CASE_METHOD(LookUpTest, "a name in a directory that may not be searched cannot be looked up")
{
    make_in_home("closed");
    file("closed/f");
    REQUIRE(::chmod(top.path("root/alice/closed").c_str(), 0600) == 0);
    REQUIRE(::chmod(top.path().c_str(), 0755) == 0);
    const std::string results = test::in_child([this] {
        test::drop_root();
        return failure("/closed") + ", " + failure("/closed/f");
    });
    CHECK(results == "done, Permission denied");
}
