// A small pool of threads for calls that may never return: on file systems that hang, and for counting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace ftpc::server {

class Workers {
public:
    // Jobs that are likely to hang together: of a device, or of a home with its mounts.
    struct Lane {
        std::uint64_t key = 0;
        bool local = false; // on a local file system all through: it ends in time
    };

    // Threads start when there is work for them, up to `most_threads` (2 or more), and end after some idle
    // seconds. A lane gets at most half of the threads that the other lanes leave. One eighth of all (at
    // least one) is kept for local lanes, so that many hanging file systems leave threads for the rest.
    explicit Workers(unsigned most_threads);
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    // Waits for nobody: a thread at work ends after it, if ever. Work that waits is dropped.
    ~Workers();

    // Runs `work`, which does not throw, on some thread, in the order of its lane. False, and nothing is
    // done, if too much of this lane waits already or there can be no thread.
    bool submit(Lane lane, std::function<void()> work);

    // Whether some thread is at work now, or work waits for one.
    bool busy() const;

    void set_most_threads(unsigned most_threads);

    static constexpr std::size_t most_waiting = 256; // of one lane

private:
    struct State;
    bool start_thread();
    static void run(const std::shared_ptr<State>& state);
    std::shared_ptr<State> state_; // shared with the threads, which may outlive this
};

} // namespace ftpc::server
