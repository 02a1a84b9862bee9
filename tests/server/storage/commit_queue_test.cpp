#include "server/storage/commit_queue.hpp"

#include "server/storage/fake_disk.hpp"
#include "server/storage/tree_fixture.hpp"
#include "support/time_scale.hpp"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using test::inode;

namespace {

const error_code disk_failed{EIO, boost::system::system_category()};
const error_code canceled{ECANCELED, boost::system::system_category()};

struct QueueTest : test::TreeFixture {
    test::FakeDisk disk;
    Directory root = directory(".");
    TreeSync sync{root, std::make_unique<test::FakeDisk::Sync>(disk)};
    std::unique_ptr<CommitQueue> queue = std::make_unique<CommitQueue>(sync, 2);
    std::vector<Directory> places{place("a"), place("b"), place("c")};

    QueueTest()
    {
        CHECK_FALSE(committed({root})); // so that there is no doubt about earlier directories
        disk.take_synced();
    }
    ~QueueTest() { disk.let_go(); }

    Directory directory(const std::string& name, bool can_sync = true) const
    {
        return std::make_shared<OpenDirectory>(OpenDirectory{open(name), can_sync});
    }
    Directory place(const std::string& name) const
    {
        make(name);
        return directory(name);
    }

    std::future<error_code> commit(const std::vector<Directory>& directories) const
    {
        Parents parents;
        for (const Directory& directory : directories)
            parents.add(directory);
        const auto promise = std::make_shared<std::promise<error_code>>();
        queue->commit(std::move(parents), [promise](error_code result) { promise->set_value(result); });
        return promise->get_future();
    }
    static error_code result(std::future<error_code>& answer)
    {
        REQUIRE(answer.wait_for(test::patience()) == std::future_status::ready);
        return answer.get();
    }
    error_code committed(const std::vector<Directory>& parents) const
    {
        auto answer = commit(parents);
        return result(answer);
    }

    static std::string directory_sync(const Directory& d)
    {
        return "directory " + std::to_string(inode(d->fd.get()));
    }
    static std::string file_system_sync(const Directory& d)
    {
        return "file system " + std::to_string(inode(d->fd.get()));
    }
};

using Syncs = std::vector<std::string>;

bool is_ready(const std::future<error_code>& answer)
{
    return answer.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
}

// The state of a thread as ps shows it: 'S' while it waits for something.
char thread_state(pid_t thread)
{
    std::ifstream file{"/proc/self/task/" + std::to_string(thread) + "/stat"};
    std::string text;
    std::getline(file, text);
    const auto end = text.rfind(')');
    return end == std::string::npos || end + 2 >= text.size() ? '?' : text[end + 2];
}

} // namespace

TEST_CASE_METHOD(QueueTest, "a commit is done only after its sync")
{
    disk.hold();
    auto answer = commit({places[0]});
    REQUIRE(disk.wait_until_syncing());
    CHECK_FALSE(is_ready(answer));
    disk.let_go();
    CHECK_FALSE(result(answer));
    CHECK(disk.take_synced() == Syncs{directory_sync(places[0])});
}

TEST_CASE_METHOD(QueueTest, "sessions that wait during a sync share the next one")
{
    disk.hold();
    auto first = commit({places[0]});
    REQUIRE(disk.wait_until_syncing());
    std::vector<std::future<error_code>> rest;
    for (int i = 0; i < 20; ++i)
        rest.push_back(commit({places[1]}));
    disk.let_go();
    CHECK_FALSE(result(first));
    for (auto& answer : rest)
        CHECK_FALSE(result(answer));
    CHECK(disk.take_synced() == Syncs{directory_sync(places[0]), directory_sync(places[1])});
}

TEST_CASE_METHOD(QueueTest, "a session answered by a slow sync shares the next one with sessions that waited")
{
    disk.hold();
    auto first = commit({places[0]});
    REQUIRE(disk.wait_until_syncing());
    auto second = commit({places[1]});
    std::this_thread::sleep_for(std::chrono::milliseconds{300}); // the time of the sync
    disk.let_go();
    REQUIRE_FALSE(result(first).failed());
    auto third = commit({places[1]});
    CHECK_FALSE(result(second).failed());
    CHECK_FALSE(result(third).failed());
    CHECK(disk.take_synced() == Syncs{directory_sync(places[0]), directory_sync(places[1])});
}

TEST_CASE_METHOD(QueueTest, "few parents are synced one by one, more by one sync of the file system")
{
    CHECK_FALSE(committed({places[0], places[1]}));
    CHECK(disk.take_synced().size() == 2);
    CHECK_FALSE(committed(places));
    CHECK(disk.take_synced() == Syncs{file_system_sync(root)});
    queue->set_most_parents(3);
    CHECK_FALSE(committed(places));
    CHECK(disk.take_synced().size() == 3);
    queue->set_most_parents(0);
    CHECK_FALSE(committed({places[0]}));
    CHECK(disk.take_synced() == Syncs{file_system_sync(root)});
}

TEST_CASE_METHOD(QueueTest, "a directory that is open several times counts once")
{
    const Directory again = directory("a");
    const Directory once_more = directory("a", false);
    CHECK_FALSE(committed({places[0], again, once_more, places[1], places[0]}));
    auto synced = disk.take_synced();
    std::sort(synced.begin(), synced.end());
    Syncs expected{directory_sync(places[0]), directory_sync(places[1])};
    std::sort(expected.begin(), expected.end());
    CHECK(synced == expected);
}

TEST_CASE_METHOD(QueueTest, "a parent that cannot be synced by itself is synced with the file system")
{
    CHECK_FALSE(committed({directory("a", false)}));
    CHECK(disk.take_synced() == Syncs{file_system_sync(root)});
}

TEST_CASE_METHOD(QueueTest, "nothing to sync is done at once")
{
    CHECK_FALSE(committed({}));
    CHECK(disk.take_synced().empty());
}

TEST_CASE_METHOD(QueueTest, "a failed sync is told to all in its batch, and to none after it")
{
    disk.hold();
    auto before = commit({places[2]});
    REQUIRE(disk.wait_until_syncing());
    disk.answer_for[inode(places[0]->fd.get())] = disk_failed;
    auto failed = commit({places[0]});
    auto with_it = commit({places[1]});
    disk.let_go();
    CHECK_FALSE(result(before));
    CHECK(result(failed) == disk_failed);
    CHECK(result(with_it) == disk_failed);
    CHECK(disk.take_synced().size() == 3); // parents behind the failure are written, too
    CHECK_FALSE(committed({places[1]}));
}

TEST_CASE_METHOD(QueueTest, "after a failed sync the whole file system is asked, until that succeeds")
{
    disk.answer = disk_failed;
    CHECK(committed({places[0]}) == disk_failed);
    disk.take_synced();
    CHECK(committed({places[0]}) == disk_failed);
    CHECK(disk.take_synced() == Syncs{file_system_sync(root)});
    disk.answer = {};
    CHECK_FALSE(committed({places[0]}));
    CHECK(disk.take_synced() == Syncs{file_system_sync(root)});
    CHECK_FALSE(committed({places[0]}));
    CHECK(disk.take_synced() == Syncs{directory_sync(places[0])});
}

TEST_CASE_METHOD(QueueTest, "a failed sync of the file system is told, too")
{
    disk.answer = disk_failed;
    CHECK(committed(places) == disk_failed);
}

TEST_CASE_METHOD(QueueTest, "a session that still waits at the end is told that it was canceled")
{
    disk.hold();
    auto under_way = commit({places[0]});
    REQUIRE(disk.wait_until_syncing());
    auto behind = commit({places[1]});
    std::promise<pid_t> thread;
    std::thread ending{[&] {
        thread.set_value(::gettid());
        queue.reset();
    }};
    // Only once the destructor waits for the sync is it certain that the one behind comes too late.
    const pid_t id = thread.get_future().get();
    const auto deadline = std::chrono::steady_clock::now() + test::patience();
    while (thread_state(id) != 'S' && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    disk.let_go();
    ending.join();
    CHECK_FALSE(result(under_way));
    CHECK(result(behind) == canceled);
    CHECK(disk.take_synced() == Syncs{directory_sync(places[0])});
}

TEST_CASE_METHOD(QueueTest, "other file systems that are mounted in the tree are synced with it")
{
    const UniqueFd memory{::open("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat here {};
    struct stat there {};
    if (!memory || ::fstat(memory.get(), &there) != 0 || ::fstat(root->fd.get(), &here) != 0 ||
        here.st_dev == there.st_dev) {
        WARN("/dev/shm is no file system of its own: not tested");
        return;
    }
    const auto other = [&](bool can_sync) {
        return std::make_shared<OpenDirectory>(OpenDirectory{.fd = UniqueFd{::dup(memory.get())},
                                                             .can_sync = can_sync,
                                                             .file_system = file_system_of(memory.get())});
    };
    const Directory mounted = other(true);
    CHECK_FALSE(committed({places[0], places[1], mounted, other(true)}));
    CHECK(disk.take_synced() ==
          Syncs{directory_sync(places[0]), directory_sync(places[1]), file_system_sync(mounted)});
    CHECK(committed({other(false)}).value() == EACCES);
}

TEST_CASE_METHOD(QueueTest, "many threads may commit at the same time, and each is told once")
{
    std::atomic<int> told = 0;
    std::vector<std::thread> threads;
    for (const Directory& place : places)
        threads.emplace_back([&, place] {
            for (int i = 0; i < 200; ++i) {
                Parents parents;
                parents.add(place);
                queue->commit(std::move(parents), [&](error_code) { ++told; });
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    queue.reset();
    CHECK(told == 600);
}

TEST_CASE_METHOD(QueueTest, "a session with nothing on the failed file system is not told of it")
{
    const auto elsewhere =
        std::make_shared<OpenDirectory>(OpenDirectory{.fd = open("b"), .can_sync = true, .file_system = {1}});
    CHECK_FALSE(committed({elsewhere}));
    disk.hold();
    auto before = commit({places[2]});
    REQUIRE(disk.wait_until_syncing());
    disk.answer_for[inode(places[0]->fd.get())] = disk_failed;
    auto failed = commit({places[0]});
    auto spared = commit({elsewhere});
    auto both = commit({elsewhere, places[0]});
    disk.let_go();
    CHECK_FALSE(result(before));
    CHECK(result(failed) == disk_failed);
    CHECK_FALSE(result(spared));
    CHECK(result(both) == disk_failed);
}

TEST_CASE_METHOD(QueueTest, "many sessions that wait for a slow disk hold few descriptors")
{
    disk.hold();
    auto first = commit({places[0]});
    REQUIRE(disk.wait_until_syncing());
    std::vector<std::future<error_code>> answers;
    std::vector<std::weak_ptr<const OpenDirectory>> held;
    for (int i = 0; i < 256; ++i) {
        const Directory parent = std::make_shared<OpenDirectory>(OpenDirectory{
            .fd = open("root"), .can_sync = true, .file_system = file_system_of(open("root").get())});
        held.emplace_back(parent);
        answers.push_back(commit({parent}));
    }
    const auto alive =
        std::count_if(held.begin(), held.end(), [](const auto& one) { return !one.expired(); });
    CHECK(alive < 70);
    CHECK(queue->busy());
    disk.let_go();
    CHECK_FALSE(result(first));
    for (auto& answer : answers)
        CHECK_FALSE(result(answer));
    const auto deadline = std::chrono::steady_clock::now() + test::patience();
    while (queue->busy() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    CHECK_FALSE(queue->busy());
}
