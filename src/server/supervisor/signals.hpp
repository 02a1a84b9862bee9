// The signals that the supervisor obeys, as a descriptor to be polled.
#pragma once

#include "shared/base/unique_fd.hpp"

namespace ftpc::server {

class Signals {
public:
    // Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD, and ignores SIGPIPE: the reader of the log may go away.
    // Throws std::runtime_error.
    Signals();

    int descriptor() const { return fd_.get(); }

    struct Taken {
        bool stop = false;   // SIGTERM or SIGINT
        bool reload = false; // SIGHUP
        bool child = false;  // SIGCHLD, which may stand for several
    };
    // Those that have come since the last call.
    Taken take();

    // Whether one to stop has come. The others are left to take().
    bool take_stop();

private:
    Taken left_;
    UniqueFd fd_;
};

} // namespace ftpc::server
