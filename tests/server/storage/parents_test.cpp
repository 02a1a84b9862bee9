#include "server/storage/parents.hpp"

#include "server/storage/tree_fixture.hpp"

#include <algorithm>
#include <string>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct ParentsTest : test::TreeFixture {
    Directory directory(const std::string& name, FileSystem file_system = {1, true},
                        bool can_sync = true) const
    {
        if (const std::string path = top.path(name); !std::filesystem::exists(path)) make(name);
        return std::make_shared<OpenDirectory>(
            OpenDirectory{.fd = open(name), .can_sync = can_sync, .file_system = file_system});
    }
};

using Entry = Parents::Entry;

} // namespace

TEST_CASE_METHOD(ParentsTest, "few parents are held each, a repeated one once")
{
    const Directory a = directory("a");
    const Directory b = directory("b");
    Parents parents;
    CHECK(parents.empty());
    parents.add(a);
    parents.add(a);
    parents.add(b);
    CHECK(parents == Parents{a, b});
    CHECK_FALSE(parents.is_full());
}

TEST_CASE_METHOD(ParentsTest, "a directory that is open many times counts once")
{
    Parents parents;
    for (int i = 0; i < 100; ++i)
        parents.add(directory(i % 2 == 0 ? "a" : "b", {1, true}, i > 1), 3);
    CHECK(parents.size() <= 3);
    for (const Entry& entry : parents) {
        CHECK_FALSE(entry.whole);
        CHECK(entry.directory->can_sync);
    }
}

TEST_CASE_METHOD(ParentsTest, "a known directory is told apart without asking its file system")
{
    const auto known = [](ino_t inode) {
        return std::make_shared<OpenDirectory>(OpenDirectory{
            .fd = {}, .can_sync = true, .local = false, .file_system = {1, false}, .id = {{1, inode}}});
    };
    Parents parents;
    for (ino_t i = 0; i < 100; ++i)
        parents.add(known(i % 2), 3);
    CHECK(parents.size() <= 3);
    CHECK_FALSE(parents.is_full(3));
    parents.add(known(2), 2);
    parents.add(known(3), 2);
    CHECK(parents.is_full(2));
}

TEST_CASE_METHOD(ParentsTest, "one directory stands for the many of a file system")
{
    const Directory first = directory("0");
    Parents parents{first};
    for (int i = 1; i < 64; ++i)
        parents.add(directory(std::to_string(i)));
    REQUIRE(parents.size() == 1);
    CHECK(*parents.begin() == Entry{first, true});
    const Directory elsewhere = directory("elsewhere", {2, true});
    parents.add(elsewhere);
    CHECK(parents.size() == 2);
    Parents all;
    all.add(parents);
    CHECK(all == parents);
}

TEST_CASE_METHOD(ParentsTest, "one that can be synced stands for those that cannot")
{
    const Directory readable = directory("b");
    Parents parents;
    parents.add(directory("a", {1, true}, false), 2);
    parents.add(readable, 2);
    parents.add(directory("c", {1, true}, false), 2);
    REQUIRE(parents.size() == 1);
    CHECK(*parents.begin() == Entry{readable, true});
}

TEST_CASE_METHOD(ParentsTest, "on a file system that does not sync as a whole, more than a few are too many")
{
    Parents parents;
    for (int i = 0; i < 4; ++i) {
        CHECK_FALSE(parents.is_full(3));
        parents.add(directory(std::to_string(i), {1, false}), 3);
    }
    CHECK(parents.is_full(3));
    const Parents taken = parents.take_if([](const Entry&) { return true; });
    CHECK(taken.size() == 4);
    CHECK(parents.empty());
}

TEST_CASE_METHOD(ParentsTest, "a directory that stands for the whole goes on to do so when it is repeated")
{
    const Directory home = directory("home");
    Parents parents{home};
    for (int i = 0; i < 7; ++i)
        parents.add(directory(std::to_string(i)));
    Parents deep;
    for (int i = 0; i < 9; ++i)
        deep.add(i == 0 ? home : directory("deep" + std::to_string(i)));
    REQUIRE(*deep.begin() == Entry{home, true});
    parents.add(deep);
    CHECK(std::any_of(parents.begin(), parents.end(), [](const Entry& entry) { return entry.whole; }));

    Parents one{home};
    one.add(deep, 1);
    CHECK(std::any_of(one.begin(), one.end(), [](const Entry& entry) { return entry.whole; }));
}
