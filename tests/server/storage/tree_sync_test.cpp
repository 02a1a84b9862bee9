// Doubt about file systems after a failed sync.
#include "server/storage/tree_sync.hpp"

#include "server/storage/fake_disk.hpp"
#include "shared/base/error.hpp"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::inode;

namespace {

const error_code disk_failed{EIO, boost::system::system_category()};
constexpr std::size_t few = 8;

struct TreeSyncTest : test::TreeFixture {
    test::FakeDisk disk;
    Directory root = directory("root", {1, true});
    TreeSync sync{root, std::make_unique<test::FakeDisk::Sync>(disk)};

    Directory directory(const std::string& name, FileSystem file_system, bool can_sync = true) const
    {
        return std::make_shared<OpenDirectory>(
            OpenDirectory{.fd = open(name), .can_sync = can_sync, .file_system = file_system});
    }
    error_code synced(const Directory& parent) { return sync.sync(Parents{parent}, few); }

    std::string directory_sync(const std::string& name) const
    {
        return "directory " + std::to_string(inode(open(name).get()));
    }
    std::string file_system_sync(const std::string& name) const
    {
        return "file system " + std::to_string(inode(open(name).get()));
    }
};

// On a file system that is good for no sync as a whole, as FUSE.
struct OneByOneTest : TreeSyncTest {
    OneByOneTest()
    {
        for (const char* name : {"a", "a/b", "c"})
            make_in_home(name);
    }
    Directory in_home(const std::string& name) const { return directory("root/alice/" + name, {1, false}); }
};

using Syncs = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(TreeSyncTest, "a file system is in doubt until it has been synced as a whole")
{
    const Directory home = directory("root/alice", {1, true});
    CHECK_FALSE(synced(home));
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() == Syncs{file_system_sync("root"), directory_sync("root/alice")});
    disk.answer = disk_failed;
    CHECK(synced(home) == disk_failed);
    CHECK(synced(home) == disk_failed);
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice"), file_system_sync("root")});
    disk.answer = {};
    CHECK_FALSE(synced(home));
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() == Syncs{file_system_sync("root"), directory_sync("root/alice")});
}

TEST_CASE_METHOD(TreeSyncTest, "another file system's success ends no doubt")
{
    const Directory home = directory("root/alice", {1, true});
    const Directory elsewhere = directory("outside", {2, true});
    CHECK_FALSE(synced(home));
    disk.answer = disk_failed;
    CHECK(synced(home) == disk_failed);
    disk.answer = {};
    disk.take_synced();
    CHECK_FALSE(synced(elsewhere));
    CHECK_FALSE(synced(elsewhere));
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() ==
          Syncs{file_system_sync("outside"), directory_sync("outside"), file_system_sync("root")});
}

TEST_CASE_METHOD(TreeSyncTest, "of several file systems only those that failed are told of")
{
    const Parents here{directory("root/alice", {1, true})};
    const Parents there{directory("outside", {2, true})};
    disk.answer_for[inode(open("outside").get())] = disk_failed;
    const auto failures = sync.sync({&here, &there}, few);
    CHECK_FALSE(TreeSync::failure_of(here, failures));
    CHECK(TreeSync::failure_of(there, failures) == disk_failed);
}

// The kernel tells one of two threads of a failure, and the other one that all is well.
TEST_CASE_METHOD(TreeSyncTest, "a sync of the whole during which another one failed is made again")
{
    const Directory home = directory("root/alice", {1, true});
    bool fails = true;
    disk.on_sync = [&](int) { // while the first one is under way, another thread's fails
        if (!std::exchange(fails, false)) return;
        disk.answer = disk_failed;
        CHECK(synced(home) == disk_failed);
        disk.answer = {};
    };
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() ==
          Syncs(3, file_system_sync("root"))); // the first, the one that failed, one more
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice")});
}

TEST_CASE_METHOD(TreeSyncTest, "while other syncs go on failing, one is told so in the end")
{
    const Directory home = directory("root/alice", {1, true});
    bool own = true;
    disk.on_sync = [&](int) {
        if (!std::exchange(own, false)) return;
        disk.answer = disk_failed;
        CHECK(synced(home) == disk_failed);
        disk.answer = {};
        own = true;
    };
    CHECK(synced(home) == disk_failed);
}

TEST_CASE_METHOD(OneByOneTest, "a directory above that may not be read keeps nobody from being synced")
{
    const Directory deep = in_home("a/b");
    const std::string above = top.path("root/alice/a");
    REQUIRE(::chmod(above.c_str(), S_IXUSR | S_IXGRP | S_IXOTH) == 0);
    constexpr uid_t somebody = 65534; // for root, who may read all; others cannot change to it and need not
    const auto before = static_cast<uid_t>(::setfsuid(somebody));
    const UniqueFd readable{::openat(deep->fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    const error_code failure = synced(deep);
    ::setfsuid(before);
    ::chmod(above.c_str(), S_IRWXU);
    REQUIRE_FALSE(readable);
    CHECK_FALSE(failure);
}

TEST_CASE_METHOD(TreeSyncTest, "a directory that is synced while another one fails needs a sync of the whole")
{
    const Directory home = directory("root/alice", {1, true});
    CHECK_FALSE(synced(home));
    disk.take_synced();
    bool fails = true;
    disk.on_sync = [&](int) {
        if (!std::exchange(fails, false)) return;
        disk.answer = disk_failed;
        CHECK(synced(home) == disk_failed);
        disk.answer = {};
    };
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() ==
          Syncs{directory_sync("root/alice"), directory_sync("root/alice"), file_system_sync("root")});
}

TEST_CASE_METHOD(TreeSyncTest, "a directory made without a sync is in doubt")
{
    const Directory home = directory("root/alice", {1, true});
    CHECK_FALSE(synced(home));
    sync.doubt_all();
    disk.take_synced();
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() == Syncs{file_system_sync("root")});
}

TEST_CASE_METHOD(TreeSyncTest, "parents that nobody could sync put their own file system in doubt")
{
    const Directory home = directory("root/alice", {1, true});
    const Directory elsewhere = directory("outside", {2, true});
    CHECK_FALSE(synced(home));
    CHECK_FALSE(synced(elsewhere));
    sync.doubt(Parents{home});
    disk.take_synced();
    CHECK_FALSE(synced(elsewhere));
    CHECK(disk.take_synced() == Syncs{directory_sync("outside")});
    CHECK_FALSE(synced(home));
    CHECK(disk.take_synced() == Syncs{file_system_sync("root")});
}

TEST_CASE_METHOD(TreeSyncTest, "a file system that cannot be synced at all is reported")
{
    CHECK(synced(directory("outside", {2, true}, false)) == boost::system::errc::permission_denied);
    CHECK(synced(directory("outside", {3, false}, false)) == boost::system::errc::permission_denied);
    CHECK_FALSE(synced(directory("root/alice", {1, true}, false))); // with the root
}

TEST_CASE_METHOD(OneByOneTest, "if the whole cannot be synced, a doubt ends directory by directory")
{
    CHECK_FALSE(synced(in_home("a/b")));
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice/a/b"), directory_sync("root/alice/a"),
                                      directory_sync("root/alice"), directory_sync("root")});
    CHECK_FALSE(synced(in_home("c")));
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice/c"), directory_sync("root/alice")});
    CHECK_FALSE(synced(in_home("a")));
    CHECK_FALSE(synced(in_home("a/b")));
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice/a"), directory_sync("root/alice/a/b")});
}

TEST_CASE_METHOD(OneByOneTest,
                 "there the parents of a failed sync are synced again before what is below them")
{
    CHECK_FALSE(synced(in_home("a/b")));
    disk.answer_for[inode(open("root/alice").get())] = disk_failed;
    CHECK(synced(in_home("")) == disk_failed); // made a directory in vain
    CHECK(synced(in_home("a/b")) == disk_failed);
    CHECK(synced(in_home("c")) == disk_failed);
    disk.answer_for.clear();
    disk.take_synced();
    CHECK_FALSE(synced(in_home("a/b")));
    CHECK(disk.take_synced() == Syncs{directory_sync("root/alice/a/b"), directory_sync("root/alice/a"),
                                      directory_sync("root/alice"), directory_sync("root")});
}

TEST_CASE_METHOD(OneByOneTest, "there a parent of several that are synced together is synced once")
{
    Parents parents;
    for (const char* name : {"", "a", "a/b"})
        parents.add(in_home(name));
    CHECK_FALSE(sync.sync(parents, 8));
    auto synced_now = disk.take_synced();
    std::sort(synced_now.begin(), synced_now.end());
    auto each_once = Syncs{directory_sync("root/alice/a/b"), directory_sync("root/alice/a"),
                           directory_sync("root/alice"), directory_sync("root")};
    std::sort(each_once.begin(), each_once.end());
    CHECK(synced_now == each_once);
}

TEST_CASE_METHOD(OneByOneTest, "there many parents are synced one by one, too")
{
    Parents parents;
    for (const char* name : {"a", "a/b", "c"})
        parents.add(in_home(name));
    CHECK_FALSE(sync.sync(parents, 1));
    for (const std::string& what : disk.take_synced())
        CHECK(what.starts_with("directory"));
}
