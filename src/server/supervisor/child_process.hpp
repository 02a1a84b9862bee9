// A process of the split: this program executed anew, so that it shares neither memory nor address layout
// with us.
#pragma once

#include "server/ipc/control.hpp"
#include "shared/base/unique_fd.hpp"
#include "shared/files/file.hpp"

#include <sys/types.h>

#include <optional>
#include <set>
#include <span>
#include <string>

namespace ftpc::server {

// This program's own file, held open. So children can be started from it after an upgrade has replaced it,
// and by users that may not enter its directory.
UniqueFd open_own_program();

// In a process that was just forked: gives up all capabilities and, with a `user`, the identity and all
// groups. If that is not allowed, the process says so on standard error
// and ends.
void become(const std::optional<FileOwner>& user);

class ChildProcess {
public:
    // `title`: how it shows in ps. `subcommand`: what it runs. `user`: whom it becomes before it is executed,
    // with no supplementary groups; empty: it stays as it is. Throws std::runtime_error when it cannot be
    // started.
    ChildProcess(int program, const std::string& title, const std::string& subcommand,
                 std::optional<FileOwner> user);

    pid_t pid() const { return pid_; }
    int control() const { return control_.get(); } // -1 after hang_up()

    // Closes our end of the control channel, of which nothing is to be expected any more.
    void hang_up() { control_.reset(); }

    // Sends an order without waiting. A child that takes none any more is ended, so that it is started anew.
    void send(const ipc::Order& order, std::span<const int> descriptors = {}) const;

private:
    pid_t pid_ = -1;
    UniqueFd control_;
};

// Takes the status of every child that has ended and is none of `ours`. As the first process of a container
// (PID 1, or PR_SET_CHILD_SUBREAPER) the supervisor is given those whose parents have ended. After SIGCHLD,
// and after the status of those that are ours was taken.
void reap_adopted(const std::set<pid_t>& ours);

} // namespace ftpc::server
