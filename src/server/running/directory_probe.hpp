// Looks, for the supervisor, whether a path still names the directory that was opened through it. A process
// of its own does the looking: a file system that hangs must not hold the supervisor up.
#pragma once

#include "server/running/opened_directory.hpp"

#include <sys/types.h>

#include <string>

namespace ftpc::server {

class DirectoryProbe {
public:
    // True if the path of `opened` names it still. If not, or if its file system does not answer within a
    // second, one event says so, with what to do. `setting`: "data", "root".
    bool still_names(const std::string& setting, const OpenedDirectory& opened);

    // Takes the status of a process that did not answer in time and has ended since. After SIGCHLD.
    void reap();

private:
    Result<DirectoryIdentity> look(const std::string& path);
    Result<DirectoryIdentity> receive(int pipe, pid_t process);

    pid_t late_ = 0; // the process that has not ended; there is at most one
};

// Why the server needs a restart now that its path names `now`; empty: it does not.
std::string reason_for_restart(const OpenedDirectory& opened, const Result<DirectoryIdentity>& now);

} // namespace ftpc::server
