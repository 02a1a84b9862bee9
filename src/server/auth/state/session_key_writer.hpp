// Changes the session keys on a thread of its own: auth's loop must not wait for a disk. The changes that
// come while one sync runs share the next.
#pragma once

#include "server/auth/state/session_keys.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace ftpc::server {

class SessionKeyWriter {
public:
    // `keys` lives longer than this, and is changed by nothing else.
    explicit SessionKeyWriter(SessionKeys& keys);
    SessionKeyWriter(const SessionKeyWriter&) = delete;
    SessionKeyWriter& operator=(const SessionKeyWriter&) = delete;
    // Carries out what waits first.
    ~SessionKeyWriter();

    // Carries out `change` later. Its `done` is called on the thread and must not throw; or with ENOBUFS
    // before this returns, if too many changes wait.
    void submit(KeyChange change);

private:
    void work();
    std::vector<KeyChange> take_some();

    static constexpr std::size_t most_waiting = 16384; // a net that was taken over may ask for any number
    static constexpr std::size_t most_at_once =
        256; // those who ask for keys wait while they are put in force

    SessionKeys& keys_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<KeyChange> waiting_;
    bool ends_ = false;
    std::thread thread_; // last: it uses the others
};

} // namespace ftpc::server
