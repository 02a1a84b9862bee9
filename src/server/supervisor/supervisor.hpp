// The parent of auth, net and time: opens what they need, starts them, restarts one that dies, passes on
// reload and stop. Nothing from the network reaches it.
#pragma once

#include "server/config/command_line.hpp"
#include "server/directories/data_directory.hpp"
#include "server/listening/listening_set.hpp"
#include "server/running/administrator_socket.hpp"
#include "server/running/directory_probe.hpp"
#include "server/supervisor/auth_channel.hpp"
#include "server/supervisor/child.hpp"
#include "server/supervisor/secrets.hpp"
#include "server/supervisor/signals.hpp"

#include <chrono>
#include <span>
#include <vector>

namespace ftpc::server {

class Supervisor {
public:
    // Opens the data directory (refusing one that is served already), the certificate and the listening
    // sockets. Throws std::runtime_error with what is wrong and, where there is one, the command that mends
    // it.
    explicit Supervisor(const Arguments& arguments);

    // The same with these children in place of auth, net and time. The first two come in this order.
    Supervisor(const Arguments& arguments, std::span<const ChildRole> table);

    // Serves until SIGTERM or SIGINT; SIGHUP reads settings, certificate and users anew. Returns the exit
    // status: 0 after an orderly stop. Throws std::runtime_error when the children cannot be started in the
    // first place.
    int run();

private:
    using Clock = std::chrono::steady_clock;

    // Until a signal has come, or something is due; takes reports and answers the administrator's commands.
    void wait_for_events(Signals& signals);
    int milliseconds_to_wait() const;

    // The sockets on which it serves; nullptr: none.
    ListeningSet* sockets_of(const Child& child);
    void start(Child& child);
    void take_report(Child& child);
    void reap();
    void restart_those_due();
    void look_after_children();
    void check_listening_sockets();
    ServerStatus status() const;

    void reload();
    bool has_its_directories();
    void renew_certificate();
    int stop(Signals& signals); // returns the exit status

    Arguments arguments_;
    ServiceAccounts accounts_;
    UniqueFd program_;
    DataDirectory directory_;
    UniqueFd lock_;
    Secrets secrets_;
    ListeningSet sockets_;        // of net
    ListeningSet time_sockets_;   // of time
    std::vector<Child> children_; // in the order in which they are started
    const Child& auth_ = children_[0];
    const Child& net_ = children_[1];
    AuthChannel channel_;
    Clock::time_point next_look_;
    ServerStatus status_; // what does not change while it runs
    AdministratorSocket administrator_;
    Clock::time_point next_socket_check_;
    DirectoryProbe probe_;
};

} // namespace ftpc::server
