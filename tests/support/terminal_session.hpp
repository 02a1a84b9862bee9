// A program part at a terminal of its own, as a shell would run it. A session leader has a pseudo-terminal,
// and in its foreground a job whose end or stop the leader reports.
#pragma once

#include "shared/base/unique_fd.hpp"

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

namespace ftpc::test {

class TerminalSession {
public:
    // Runs `job` in a forked child at the terminal; the text that it returns is the first report.
    explicit TerminalSession(const std::function<std::string()>& job);
    TerminalSession(const TerminalSession&) = delete;
    TerminalSession& operator=(const TerminalSession&) = delete;
    ~TerminalSession();

    // Types at the terminal.
    void type(std::string_view keys) const;
    // Reads the terminal's output until it ends with `text`. Throws when that does not come.
    void wait_for(std::string_view text);
    // All that the terminal has shown.
    const std::string& shown() const { return shown_; }
    bool echoes() const;

    // The next report: the job's result, or "exited N", "killed N" or "stopped N" with the status or signal.
    // Throws when none comes.
    std::string next_report();

    void send_signal(int number) const;

private:
    UniqueFd terminal_;
    UniqueFd reports_;
    pid_t leader_ = -1;
    pid_t job_ = -1;
    std::string shown_;
};

} // namespace ftpc::test
