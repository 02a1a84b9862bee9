// A server for a limit, in a process of its own as a real one would be, so that it shares nothing with the
// client.
#pragma once

#include "benchmark/ftp_session.hpp"

#include <sys/types.h>

#include <functional>

namespace ftpc::benchmark {

// Runs `serve(connection)` for each connection to an address on loopback, each of `threads` threads one at a
// time. Ends with this object.
class ChildServer {
public:
    ChildServer(unsigned threads, const std::function<void(int connection)>& serve);
    ChildServer(const ChildServer&) = delete;
    ChildServer& operator=(const ChildServer&) = delete;
    ~ChildServer();

    const Target& target() const { return target_; }

private:
    Target target_;
    pid_t child_;
};

} // namespace ftpc::benchmark
