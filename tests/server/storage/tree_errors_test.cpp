// The errors of docs/protocol.md §4 that a file system, permissions and limits can be brought to give.
#include "server/storage/tree_fixture.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;
using test::failure_text;
using test::in_child;
using test::path;
using Lookup = Tree::Lookup;

namespace {

void write_to(const char* file, const std::string& text)
{
    const UniqueFd fd{::open(file, O_WRONLY | O_CLOEXEC)};
    [[maybe_unused]] const auto written = ::write(fd.get(), text.data(), text.size());
}

// Gives this process mounts of its own; an ordinary user may have that as the only user of a namespace.
bool enter_own_mounts()
{
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (user == 0) return ::unshare(CLONE_NEWNS) == 0;
    if (::unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1");
    write_to("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1");
    return true;
}

struct ErrorTest : test::TreeFixture {
    Lookup lookup = GENERATE(Lookup::beneath, Lookup::walk);
    Tree tree_ = tree(lookup);
    Directory home = tree_.open_home("alice").value();

    std::string mkd(std::string_view name) const { return failure_text(test::make(tree_, home, path(name))); }
    std::string make_path(std::string_view name) const
    {
        return failure_text(test::make_with_parents(tree_, home, path(name)));
    }
    void permit(const std::string& name, mode_t mode) const
    {
        const std::string all = top.path("root/alice/" + name);
        REQUIRE(::chmod(all.c_str(), mode) == 0);
        if (::geteuid() == 0) REQUIRE(::chown(all.c_str(), test::nobody, test::nobody) == 0);
    }

    // Calls `job` in a process that sees a small tmpfs as /small in the home. "no mounts" where that is not
    // allowed.
    std::string with_small_tmpfs(unsigned long flags, const std::function<std::string()>& job)
    {
        make_in_home("small");
        const std::string at = top.path("root/alice/small");
        return in_child([&]() -> std::string {
            if (!enter_own_mounts()) return "no mounts";
            if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "no mounts";
            if (::mount("none", at.c_str(), "tmpfs", flags, "size=64k,nr_inodes=4") != 0) return "no mounts";
            // Directories that were open before do not see the new mount.
            home = tree(lookup).open_home("alice").value();
            return job();
        });
    }

    static bool not_allowed(const std::string& result)
    {
        if (result == "no mounts") WARN("this process may not mount anything: not tested");
        return result == "no mounts";
    }
};

} // namespace

TEST_CASE_METHOD(ErrorTest, "EEXIST is told apart for directories and everything else")
{
    make_in_home("d");
    file("f");
    link("nowhere", "l");
    REQUIRE(::mkfifo(top.path("root/alice/p").c_str(), 0600) == 0);
    CHECK(mkd("/d") == "directory exists");
    CHECK(mkd("/f") == "File exists");
    CHECK(mkd("/l") == "File exists");
    CHECK(mkd("/p") == "File exists");
    CHECK(make_path("/p") == "File exists");
    CHECK(make_path("/p/x") == "Not a directory");
}

TEST_CASE_METHOD(ErrorTest, "ENOENT: the parent is not there")
{
    CHECK(mkd("/a/b") == "No such file or directory");
    CHECK(failure_text(tree_.open(home, path("/a"))) == "No such file or directory");
}

TEST_CASE_METHOD(ErrorTest, "ENOENT: the working directory has been removed")
{
    make_in_home("a");
    const Directory a = tree_.open(home, path("/a")).value();
    REQUIRE(::rmdir(top.path("root/alice/a").c_str()) == 0);
    CHECK(failure_text(test::make_in(tree_, a, "x")) == "No such file or directory");
}

TEST_CASE_METHOD(ErrorTest, "ENOTDIR: a file is on the way")
{
    file("f");
    CHECK(mkd("/f/x") == "Not a directory");
    CHECK(failure_text(tree_.open(home, path("/f"))) == "Not a directory");
}

TEST_CASE_METHOD(ErrorTest, "ENAMETOOLONG: a name that the file system does not take")
{
    CHECK(failure_text(test::make_in(tree_, home, std::string(256, 'n'))) == "File name too long");
    CHECK(mkd(std::string(255, 'n')) == "done");
}

TEST_CASE_METHOD(ErrorTest, "EACCES: a directory that the server may not write or enter")
{
    make_in_home("readonly");
    make_in_home("closed");
    permit("readonly", 0555);
    permit("closed", 0600);
    CHECK(in_child([&] {
              test::drop_root();
              return mkd("/readonly/x") + ", " + make_path("/readonly/x/y") + ", " + mkd("/closed/x") + ", " +
                     make_path("/closed/x/y");
          }) == "Permission denied, Permission denied, Permission denied, Permission denied");
    permit("readonly", 0755);
    permit("closed", 0755);
}

TEST_CASE_METHOD(ErrorTest, "EACCES: a directory that the server may not search is no working directory")
{
    make_in_home("listable");
    link("listable", "to-listable");
    permit("listable", 0440);
    CHECK(in_child([&] {
              test::drop_root();
              return failure_text(tree_.open(home, path("/listable"))) + ", " +
                     failure_text(tree_.open(home, path("/to-listable")));
          }) == (lookup == Lookup::walk ? "Permission denied, Not a directory"
                                        : "Permission denied, Permission denied"));
    permit("listable", 0755);
    CHECK(failure_text(tree_.open(home, path("/listable"))) == "done");
}

TEST_CASE_METHOD(ErrorTest, "EACCES: the same for the longest path there is")
{
    std::string longest;
    for (int i = 0; i < 16; ++i)
        longest += "/" + std::string(max_name_bytes, 'n');
    REQUIRE(longest.size() == max_path_bytes);
    CHECK(make_path(longest) == "done");
    const Directory last = tree_.open(home, path(longest)).value();
    if (::geteuid() == 0) REQUIRE(::fchown(last->fd.get(), test::nobody, test::nobody) == 0);
    REQUIRE(::fchmod(last->fd.get(), 0440) == 0);
    CHECK(in_child([&] {
              test::drop_root();
              return failure_text(tree_.open(home, path(longest)));
          }) == "Permission denied");
    REQUIRE(::fchmod(last->fd.get(), 0755) == 0);
}

TEST_CASE_METHOD(ErrorTest,
                 "a directory that may be written but not read is worked in, and cannot be synced by itself")
{
    make_in_home("drop");
    permit("drop", 0300);
    CHECK(in_child([&]() -> std::string {
              test::drop_root();
              const auto opened = tree_.open(home, path("/drop"));
              if (!opened || (*opened)->can_sync) return "it was to be opened, without reading";
              const auto made = test::make(tree_, home, path("/drop/a"));
              if (!made || made->parents.size() != 1 || made->parents.begin()->directory->can_sync)
                  return failure_text(made);
              const auto walked = test::make_with_parents(tree_, home, path("/drop/b/c"));
              if (!walked || walked->parents.size() != 3) return failure_text(walked);
              return (walked->parents.begin() + 1)->directory->can_sync ? "the middle one cannot be synced"
                                                                        : "done";
          }) == "done");
    permit("drop", 0755);
    CHECK(is_directory("drop/a"));
    CHECK(is_directory("drop/b/c"));
}

TEST_CASE_METHOD(ErrorTest,
                 "EMFILE: no descriptor is left for the parent; a name in the working directory needs none")
{
    make_in_home("a");
    CHECK(in_child([&] {
              const UniqueFd next{::dup(home->fd.get())};
              const rlimit limit{static_cast<rlim_t>(next.get()) + 1, static_cast<rlim_t>(next.get()) + 1};
              ::setrlimit(RLIMIT_NOFILE, &limit);
              return mkd("/a/x") + ", " + make_path("/b/c") + ", " +
                     failure_text(test::make_in(tree_, home, "y"));
          }) == "Too many open files, Too many open files, done");
}

TEST_CASE_METHOD(ErrorTest, "ENOSPC: the new part of a path that does not fit stays and is named")
{
    const std::string result = with_small_tmpfs(0, [&] { // room for three directories
        const RemotePath asked = path("/small/a/b/c/dd/e");
        const MkdirResult made = tree_.make_with_parents(home, asked);
        std::string said = made.failure.message() + ", " + std::to_string(made.directories) + ": ";
        said += asked.text().substr(0, asked.text().size() - made.below);
        return said + (is_directory("small/a/b/c") && !made.path_made ? ", there" : ", wrong");
    });
    if (not_allowed(result)) return;
    CHECK(result == "No space left on device, 3: /small/a/b/c, there");
}

TEST_CASE_METHOD(ErrorTest, "EROFS: a file system that is mounted read-only")
{
    const std::string result =
        with_small_tmpfs(MS_RDONLY, [&] { return mkd("/small/x") + ", " + make_path("/small/x/y"); });
    if (not_allowed(result)) return;
    CHECK(result == "Read-only file system, Read-only file system");
}

TEST_CASE_METHOD(ErrorTest, "ENOSPC: a full file system; earlier directories stay")
{
    const std::string result = with_small_tmpfs(0, [&]() -> std::string {
        for (const char* const name : {"/small/1", "/small/2", "/small/3"})
            if (mkd(name) != "done") return std::string{name} + " " + mkd(name);
        return mkd("/small/4") + ", " + make_path("/small/5/6") + ", " + mkd("/small/1");
    });
    if (not_allowed(result)) return;
    CHECK(result == "No space left on device, No space left on device, directory exists");
}

TEST_CASE_METHOD(ErrorTest, "a file system that is mounted in the home belongs to it")
{
    const std::string result = with_small_tmpfs(0, [&] { return make_path("/small/x/y"); });
    if (not_allowed(result)) return;
    CHECK(result == "done");
}
