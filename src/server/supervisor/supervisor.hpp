// The parent of auth and net: opens what they need, starts them, restarts one that dies, passes on reload and
// stop. Nothing from the network reaches it.
#pragma once

#include "server/config/command_line.hpp"
#include "server/running/administrator_socket.hpp"
#include "server/running/directory_probe.hpp"
#include "server/supervisor/child_process.hpp"
#include "server/supervisor/data_directory.hpp"
#include "server/supervisor/heartbeat.hpp"
#include "server/supervisor/listening_sockets.hpp"
#include "server/supervisor/restart_pause.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

class Supervisor {
public:
    // Opens the data directory (refusing one that is served already), the certificate and the listening
    // sockets. Throws std::runtime_error with what is wrong and, where there is one, the command that mends
    // it.
    explicit Supervisor(const Arguments& arguments);

    // Serves until SIGTERM or SIGINT; SIGHUP reads settings, certificate and users anew. Returns the exit
    // status: 0 after an orderly stop. Throws std::runtime_error when the children cannot be started in the
    // first place.
    int run();

private:
    using Clock = std::chrono::steady_clock;

    // What a child is given at its start, and at a reload where that can change.
    struct Given {
        bool data = false; // the data directory
        bool pepper = false;
        bool tree = false; // its root
        bool listening_sockets = false;
        bool certificate = false; // with its key
    };

    // One row for each process of the split.
    struct Child {
        std::string name;       // "auth"
        std::string subcommand; // "process-auth"
        std::optional<FileOwner> user;
        Given given;
        std::optional<ChildProcess> process;
        bool ready = false;
        Heartbeat heartbeat;
        RestartPause pause; // when it is not running
        ipc::Ready first_report;
        std::vector<pid_t> left_behind; // processes that could not end yet, beside which others were started
    };

    const Child& child(std::string_view name) const;

    // ---- starting
    void start(Child& child);
    void configure(const Child& child, bool first) const;
    ipc::Configure configuration(const Child& child) const;
    std::vector<int> descriptors_for(const Child& child, int data) const;
    bool wait_until_ready(Child& child); // false: told to stop meanwhile
    static bool serves(const Child& child);
    void connect_children();
    void replace_lost_channel();
    void announce() const;
    std::string describe_lockdown() const;
    ServerStatus status() const;

    // ---- keeping them alive
    void wait_for_events();
    void on_report(Child& child);
    void on_ready(Child& child, const ipc::Ready& report);
    void reap();
    void on_end(Child& child, int status);
    void look_after_children();
    void look_after(Child& child);
    void leave_behind(Child& child);
    void await_restart(Child& child);
    void restart_those_due();
    int milliseconds_to_wait() const;

    // ---- the listening sockets
    void check_listening_sockets();
    void mend_listening_sockets();
    void renew_listening_sockets();

    // ---- reload and stop
    void reload();
    bool has_its_directories();
    void load_secrets();
    bool is_certificate_due() const;
    void renew_certificate();
    void stop();
    void stop_child(Child& child);

    Arguments arguments_;
    ServiceAccounts accounts_;
    UniqueFd program_;
    DataDirectory directory_;
    UniqueFd lock_;
    std::string certificate_pem_;
    SecretText key_pem_;
    SecretText pepper_;
    std::vector<ListeningSocket> sockets_;
    UniqueFd signals_;
    std::array<Child, 2> children_; // in the order in which they are started
    Clock::time_point next_look_;
    std::uint32_t channel_number_ = 0; // of that between auth and net
    Clock::time_point connected_at_;
    bool channel_lost_ = false; // while both live
    // Two, since the system's clock may be set: then the certificate is looked at as well.
    struct Clocks {
        Clock::time_point steady = Clock::now();
        std::chrono::system_clock::time_point system = std::chrono::system_clock::now();
    };
    Clocks certificate_checked_;
    ServerStatus status_; // what does not change while it runs
    AdministratorSocket administrator_;
    Clock::time_point next_socket_check_;
    DirectoryProbe probe_;
};

} // namespace ftpc::server
