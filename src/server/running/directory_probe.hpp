// Looks, for the supervisor, whether a path still names the directory that was opened through it. A process
// of its own does the looking: a file system that hangs must not hold the supervisor up.
#pragma once

#include "server/running/opened_directory.hpp"

#include <sys/types.h>

#include <map>
#include <set>
#include <string>

namespace ftpc::server {

class DirectoryProbe {
public:
    // True if the path of `opened` names it still. If not, or if its file system does not answer within a
    // second, one event says so, with what to do. `setting`: "data", "root".
    bool still_names(const std::string& setting, const OpenedDirectory& opened);

    // Takes the status of processes that did not answer in time and have ended since. After SIGCHLD.
    void reap();

    // Those that have not ended yet.
    std::set<pid_t> processes() const;

private:
    Result<DirectoryIdentity> look(const std::string& path);

    std::map<std::string, pid_t> late_; // the process that has not answered for this path, and not ended
};

// In words, if its path now names `now`, which may be another directory or none; empty: the same one.
std::string describe_change(const OpenedDirectory& opened, const Result<DirectoryIdentity>& now);

} // namespace ftpc::server
