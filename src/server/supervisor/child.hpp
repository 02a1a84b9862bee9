// One process of the split: a row of the supervisor's table, and the life of the process that fills it.
#pragma once

#include "server/supervisor/child_process.hpp"
#include "server/supervisor/heartbeat.hpp"
#include "server/supervisor/restart_pause.hpp"
#include "server/supervisor/signals.hpp"

#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ftpc::server {

// The row: the process and all that it is given.
struct ChildRole {
    std::string name;              // "auth": it runs the subcommand process-auth
    std::optional<FileOwner> user; // empty: the supervisor's
    bool data = false;             // the data directory
    bool pepper = false;
    bool tree = false; // its root
    bool listening_sockets = false;
    bool time_sockets = false; // of UDP
    bool certificate = false;  // with its key
};

class Child {
public:
    using Clock = std::chrono::steady_clock;

    explicit Child(ChildRole role) : role_{std::move(role)} {}

    const ChildRole& role() const { return role_; }
    bool runs() const { return process_.has_value(); }
    pid_t pid() const { return process_ ? process_->pid() : 0; } // 0: it does not run
    // To be polled for reports. -1, which poll(2) passes over: it does not run, or its end is about to be
    // told.
    int control() const { return process_ ? process_->control() : -1; }
    bool serves() const { return ready_ && control() >= 0; }
    const ipc::Ready& first_report() const { return *first_report_; } // after await_ready()
    bool is_due() const { return !runs() && Clock::now() >= restart_at(); }
    Clock::time_point restart_at() const { return pause_.restart_at(); }

    // Throws std::runtime_error if the process cannot be started.
    void start(int program, const ipc::Configure& configure, std::span<const int> descriptors);
    // No process could be started: it is due again after a pause.
    void could_not_start() { pause_.could_not_start(Clock::now(), left_behind_.size()); }

    // Waits until the first start has succeeded. False: told to stop meanwhile. Throws std::runtime_error
    // with the reason if the process reports one, ends or does not start in time.
    bool await_ready(Signals& signals);

    // Takes a report; empty if there is none, or if the control channel has ended. Then the process is
    // killed.
    std::optional<ipc::Report> receive();

    // Sends an order to the process, if there is one.
    void send(const ipc::Order& order, std::span<const int> descriptors = {}) const;

    // Every Heartbeat::interval: asks for a sign of life, and kills a process that is silent. True: it cannot
    // end, and is left behind for another one.
    bool look();

    void kill() const { ::kill(process_->pid(), SIGKILL); }

    // Takes the status of processes that have ended. After SIGCHLD.
    void reap();

    // Those that have not ended, the ones that were left behind among them.
    std::set<pid_t> processes() const;

    // Tells the process to end, kills it if it does not in time or a signal asks for haste, and waits for it.
    void stop(Signals& signals);

private:
    void on_ready(const ipc::Ready& report);
    void await_restart();

    ChildRole role_;
    std::optional<ChildProcess> process_;
    bool ready_ = false;
    Heartbeat heartbeat_;
    RestartPause pause_;
    std::optional<ipc::Ready> first_report_;
    std::vector<pid_t> left_behind_; // processes that could not end yet, beside which others were started
};

} // namespace ftpc::server
