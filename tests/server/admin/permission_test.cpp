#include "server/admin/permission.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

constexpr FileOwner somebody{41003, 41003};

// A process without root asks as itself; then what belongs to `somebody` belongs to it.
struct Tree : test::TemporaryDirectory {
    std::optional<FileOwner> user = ::geteuid() == 0 ? std::optional{somebody} : std::nullopt;

    Tree() { give(".", 0755); }
    void give(const std::string& name, mode_t mode) const
    {
        const FileOwner owner = user.value_or(FileOwner{::geteuid(), ::getegid()});
        const bool own = name == "."; // a lookup of "." needs the right to search
        REQUIRE((own ? ::fchown(fd(), owner.user, owner.group)
                     : ::fchownat(fd(), name.c_str(), owner.user, owner.group, 0)) == 0);
        REQUIRE((own ? ::fchmod(fd(), mode) : ::fchmodat(fd(), name.c_str(), mode, 0)) == 0);
    }
    void make(const std::string& name, mode_t mode) const
    {
        REQUIRE(::mkdirat(fd(), name.c_str(), 0700) == 0);
        give(name, mode);
    }
    Place place(const std::string& name, Use use) const { return {fd(), path(), name, use}; }
    std::optional<Refusal> ask(const std::string& name, Use use) const
    {
        const std::vector<Place> places{place(name, use)};
        const auto answers = ask_kernel(user, places);
        REQUIRE(answers);
        return answers->front();
    }
    std::string text(const std::string& name, Use use) const
    {
        const auto refusal = ask(name, use);
        return refusal ? describe(*refusal, place(name, use), user) : "";
    }
};

} // namespace

TEST_CASE_METHOD(Tree, "a directory that may be written and searched is good, to be read or not")
{
    make("home", 0755);
    CHECK(text("home", Use::make_directories).empty());
    give("home", 0300);
    CHECK(text("home", Use::make_directories).empty());
    CHECK(text(".", Use::make_directories).empty());
}

TEST_CASE_METHOD(Tree, "a directory that may not be written or searched is refused, with the command")
{
    make("home", 0);
    for (const mode_t mode : {0555U, 0666U, 0077U}) {
        give("home", mode);
        CHECK(text("home", Use::make_directories) ==
              "cannot make directories there: Permission denied; mend with: chmod u+rwx " + path("home"));
    }
}

TEST_CASE_METHOD(Tree, "the first directory on the way that may not be searched is named")
{
    make("a", 0755);
    make("a/b", 0755);
    make("a/b/c", 0755);
    give("a/b", 0600);
    CHECK(text("a/b/c", Use::make_directories) == "cannot make directories there, because of " + path("a/b") +
                                                      ": Permission denied; mend with: chmod u+x " +
                                                      path("a/b"));
    give(".", 0600);
    CHECK_THAT(
        text("a/b/c", Use::make_directories),
        test::contains("because of " + path() + ": Permission denied; mend with: chmod u+x " + path()));
    give(".", 0755);
}

TEST_CASE_METHOD(Tree, "a home that is missing, no directory or outside is told apart")
{
    write("file", "");
    REQUIRE(::symlinkat("/", fd(), "outside") == 0);
    CHECK(ask("home", Use::make_directories)->why.value() == ENOENT);
    CHECK(ask("file", Use::make_directories)->why.value() == ENOTDIR);
    CHECK(ask("outside", Use::make_directories)->why.value() == EXDEV);
    const auto refusal = ask("file/home", Use::make_directories);
    REQUIRE(refusal);
    CHECK(refusal->at == "file");
    CHECK_FALSE(refusal->itself);
}

TEST_CASE_METHOD(Tree, "a file of the user's own may be replaced, and is there afterwards as it was")
{
    write("file", "contents");
    give("file", 0400);
    CHECK(text("file", Use::replace).empty());
    CHECK(text("file", Use::change) ==
          "cannot read and replace it: Permission denied; mend with: chmod 600 " + path("file"));
    give("file", 0600);
    CHECK(text("file", Use::change).empty());
    CHECK(read("file") == "contents");
}

TEST_CASE_METHOD(Tree, "a directory in the place of a file is not removed, and is another problem")
{
    make("file", 0755);
    CHECK_FALSE(ask("file", Use::replace));
    CHECK(names() == std::vector<std::string>{"file"});
}

TEST_CASE_METHOD(Tree, "a file in a directory that may not be written is not replaced")
{
    write("file", "");
    give("file", 0600);
    give(".", 0555);
    const auto refusal = ask("file", Use::replace);
    give(".", 0755);
    REQUIRE(refusal);
    CHECK(refusal->at == ".");
    CHECK_FALSE(refusal->itself);
}

TEST_CASE_METHOD(Tree, "in a sticky directory of somebody else a file of another user is not replaced")
{
    if (::geteuid() != 0) {
        WARN("not root: not tested");
        return;
    }
    write("file", "");
    REQUIRE(::fchmodat(fd(), "file", 0644, 0) == 0);
    REQUIRE(::fchownat(fd(), ".", 0, somebody.group, 0) == 0);
    REQUIRE(::fchmodat(fd(), ".", 01770, 0) == 0);
    CHECK_THAT(
        text("file", Use::replace),
        test::starts_with("cannot read and replace it: Operation not permitted; mend with: chown 41003"));
    give("file", 0600);
    CHECK(text("file", Use::replace).empty());
}

TEST_CASE_METHOD(Tree, "groups of this process do not count")
{
    if (::geteuid() != 0) {
        WARN("not root: not tested");
        return;
    }
    make("home", 0755);
    REQUIRE(::fchownat(fd(), "home", 0, 0, 0) == 0); // root's group is this process's
    REQUIRE(::fchmodat(fd(), "home", 0770, 0) == 0);
    CHECK(text("home", Use::make_directories) ==
          "cannot make directories there: Permission denied; mend with: chown 41003:41003 " + path("home"));
}

TEST_CASE_METHOD(Tree, "only root can ask as another user")
{
    if (::geteuid() == 0) return;
    const std::vector<Place> places{place(".", Use::make_directories)};
    CHECK_FALSE(ask_kernel(FileOwner{::geteuid() + 1, ::getegid()}, places));
}
