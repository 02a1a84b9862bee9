// The parent of auth and net: opens what they need, starts them, restarts one that dies, passes on reload and
// stop. Nothing from the network reaches it.
#pragma once

#include "server/child_process.hpp"
#include "server/command_line.hpp"
#include "server/data_directory.hpp"
#include "server/listening_sockets.hpp"

#include <chrono>
#include <optional>
#include <string>
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

    struct Child {
        std::string name;       // "auth"
        std::string subcommand; // "process-auth"
        std::optional<FileOwner> user;
        std::optional<ChildProcess> process;
        bool ready = false;
        Clock::time_point started;
        Clock::time_point restart_at; // when it is not running
        std::chrono::milliseconds back_off{0};
        bool replaces_dead = false;
        ipc::Ready first_report;
    };

    void start(Child& child);
    void configure(const Child& child, bool first) const;
    ipc::Configure configuration(const Child& child) const;
    bool wait_until_ready(Child& child); // false: told to stop meanwhile
    void on_report(Child& child);
    void connect_children();
    void reap();
    void on_end(Child& child, int status);
    static void back_off(Child& child, std::chrono::milliseconds longest);
    void restart_those_due();
    void end_those_stuck();
    int milliseconds_to_wait() const;
    void announce() const;
    std::string describe_lockdown() const;
    void reload();
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
    Child auth_;
    Child net_;
    // Two, since the system's clock may be set: then the certificate is looked at as well.
    struct Clocks {
        Clock::time_point steady = Clock::now();
        std::chrono::system_clock::time_point system = std::chrono::system_clock::now();
    };
    Clocks certificate_checked_;
};

} // namespace ftpc::server
