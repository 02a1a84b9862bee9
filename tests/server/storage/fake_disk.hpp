// A disk for tests, held up or made to fail by them.
#pragma once

#include "server/storage/tree_fixture.hpp"
#include "server/storage/tree_sync.hpp"
#include "support/time_scale.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ftpc::test {

// A disk that records the requested syncs, and can be held up or made to fail.
struct FakeDisk {
    std::mutex mutex;
    std::condition_variable changed;
    bool held = false;
    int waiting = 0; // syncs that are held up
    error_code answer;
    std::map<ino_t, error_code> answer_for; // instead of `answer`
    std::vector<std::string> synced;        // "directory 12", "file system 11"

    std::function<void(int fd)> on_sync; // called first, if it is set

    error_code sync(const char* what, int fd)
    {
        if (on_sync) on_sync(fd);
        std::unique_lock lock{mutex};
        synced.push_back(what + std::to_string(inode(fd)));
        ++waiting;
        changed.notify_all();
        changed.wait(lock, [this] { return !held; });
        --waiting;
        const auto special = answer_for.find(inode(fd));
        return special == answer_for.end() ? answer : special->second;
    }
    void hold()
    {
        const std::lock_guard lock{mutex};
        held = true;
    }
    void let_go()
    {
        const std::lock_guard lock{mutex};
        held = false;
        changed.notify_all();
    }
    bool wait_until_syncing()
    {
        std::unique_lock lock{mutex};
        return changed.wait_for(lock, patience(), [this] { return waiting > 0; });
    }
    std::vector<std::string> take_synced()
    {
        const std::lock_guard lock{mutex};
        return std::exchange(synced, {});
    }

    struct Sync final : server::FileSystemSync {
        FakeDisk& disk;
        explicit Sync(FakeDisk& d) : disk{d} {}
        error_code sync_directory(int fd) override { return disk.sync("directory ", fd); }
        error_code sync_file_system(int fd) override { return disk.sync("file system ", fd); }
    };
};

} // namespace ftpc::test
