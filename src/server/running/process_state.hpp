// The state of a process in /proc (proc_pid_stat(5)).
#pragma once

#include <sys/types.h>

#include <string_view>

namespace ftpc::server {

struct ProcessState {
    // Its first thread has ended or is about to be killed. If another one waits in the kernel for a file
    // system, neither waitpid(2) nor a pidfd nor the end of a socket tells of that.
    bool ending = false;
    bool traced = false; // a debugger holds it
};

// Neither where nothing can be read.
ProcessState read_process_state(pid_t pid);

// Of the text of /proc/PID/stat.
ProcessState parse_process_state(std::string_view stat);

} // namespace ftpc::server
