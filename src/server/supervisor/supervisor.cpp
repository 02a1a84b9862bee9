#include "server/supervisor/supervisor.hpp"

#include "server/directories/serve_lock.hpp"
#include "server/log/log.hpp"
#include "server/running/running_servers.hpp"
#include "server/running/runtime_directory.hpp"
#include "server/supervisor/announcement.hpp"
#include "server/supervisor/kept_settings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::chrono::minutes clock_check_interval{1}; // to see that the system's clock was set
constexpr std::chrono::seconds socket_check_interval{10};

ServerStatus initial_status(const Arguments& arguments, const DataDirectory& directory)
{
    ServerStatus status;
    status.pid = ::getpid();
    status.version = FTPC_VERSION;
    status.started = static_cast<std::uint64_t>(std::time(nullptr));
    status.config_file = absolute_path(arguments.config_file());
    status.data = describe_opened(arguments.settings.data, directory.data.get());
    status.tree = describe_opened(arguments.settings.root_directory(), directory.tree.get());
    return status;
}

// The table: a new process is one row here, one policy in lockdown/ and one entry point in main.cpp.
std::vector<ChildRole> child_table(const Settings& settings)
{
    const ServiceAccounts accounts = find_service_accounts(settings);
    std::vector<ChildRole> table{
        {.name = "auth", .user = accounts.auth, .data = true, .pepper = true},
        {.name = "net", .user = accounts.net, .tree = true, .listening_sockets = true, .certificate = true},
    };
    if (settings.serves_time())
        table.push_back(
            {.name = "time", .user = find_time_account(settings, accounts), .time_sockets = true});
    return table;
}

} // namespace

Supervisor::Supervisor(const Arguments& arguments) : Supervisor{arguments, child_table(arguments.settings)} {}

Supervisor::Supervisor(const Arguments& arguments, std::span<const ChildRole> table)
    : arguments_{arguments}, accounts_{find_service_accounts(arguments.settings)},
      program_{open_own_program()}, directory_{open_data_directory(arguments.settings, accounts_)},
      lock_{lock_for_serving(directory_.data.get(), arguments.settings.data)},
      children_(table.begin(), table.end()), status_{initial_status(arguments, directory_)}
{
    set_log_format(arguments_.settings.log_format);
    judge_tree(arguments_.settings, directory_);
    // protection: one-server-a-path
    refuse_if_served(ask_running_servers(runtime_directories()).answered, status_.data);
    secrets_.load(arguments_.settings);
    sockets_.open(arguments_.settings.listen, arguments_.settings.passive_ports);
    time_sockets_.open_for_time(arguments_.settings.listen_ntp, arguments_.settings.listen_time_text);
}

int Supervisor::run()
{
    // It holds the TLS key and the pepper, and without root it is a process of the same user as net.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    Signals signals;
    for (Child& child : children_) {
        start(child);
        if (!child.await_ready(signals)) return stop(signals);
    }
    channel_.connect(auth_, net_);
    administrator_.open(runtime_directories());
    announce(arguments_, status(), children_);
    while (true) {
        wait_for_events(signals);
        const Signals::Taken taken = signals.take();
        if (taken.child) reap();
        if (taken.stop) return stop(signals);
        if (taken.reload) reload();
        if (Clock::now() >= next_look_) look_after_children();
        restart_those_due();
        channel_.replace_if_lost(auth_, net_);
        if (secrets_.is_check_due()) renew_certificate();
    }
}

void Supervisor::wait_for_events(Signals& signals)
{
    std::vector<pollfd> waiting{{signals.descriptor(), POLLIN, 0}};
    for (const Child& child : children_)
        waiting.push_back({child.control(), POLLIN, 0});
    waiting.push_back({administrator_.descriptor(), POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), milliseconds_to_wait());
    if (waiting.back().revents != 0) administrator_.answer([this] { return status(); });
    for (std::size_t i = 0; i < children_.size(); ++i)
        if (waiting[i + 1].revents != 0) take_report(children_[i]);
}

int Supervisor::milliseconds_to_wait() const
{
    auto until = std::min({next_look_, Clock::now() + clock_check_interval, channel_.due()});
    for (const Child& child : children_)
        if (!child.runs()) until = std::min(until, child.restart_at());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// ---- the children

ListeningSet* Supervisor::sockets_of(const Child& child)
{
    if (child.role().listening_sockets) return &sockets_;
    return child.role().time_sockets ? &time_sockets_ : nullptr;
}

void Supervisor::start(Child& child)
{
    const ChildRole& role = child.role();
    ListeningSet* const sockets = sockets_of(child);
    if (sockets != nullptr) sockets->mend();
    // Opened anew, so that a lock which the child takes on it (flock(2)) ends with the child.
    const UniqueFd data{
        ::openat(directory_.data.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    std::vector<int> given;
    if (role.data) given.push_back(data.get());
    if (role.tree) given.push_back(directory_.tree.get());
    ipc::Configure configure = secrets_.configuration(role, arguments_.settings);
    if (sockets != nullptr) {
        const std::vector<int> descriptors = sockets->descriptors();
        given.insert(given.end(), descriptors.begin(), descriptors.end());
        configure.first_sockets = static_cast<std::uint32_t>(sockets->first_sockets());
    }
    child.start(program_.get(), configure, given);
}

void Supervisor::take_report(Child& child)
{
    const bool served = child.serves();
    const auto report = child.receive();
    const bool in_channel = &child == &auth_ || &child == &net_;
    if (in_channel && !served && child.serves()) channel_.connect(auth_, net_);
    if (!report) return;
    if (const auto* hit = std::get_if<ipc::TimeLimitHit>(&*report))
        status_.time_limit_hits = {status_.time_limit_hits.requests + hit->requests, hit->peer,
                                   static_cast<std::uint64_t>(std::time(nullptr))};
    if (const auto* lost = std::get_if<ipc::ChannelLost>(&*report)) channel_.lost(lost->number);
    if (const auto* failed = std::get_if<ipc::Failed>(&*report))
        log_event("refused", {{"process", child.role().name}, {"reason", failed->reason}});
}

void Supervisor::reap()
{
    std::set<pid_t> ours;
    for (Child& child : children_) {
        child.reap();
        ours.merge(child.processes());
    }
    probe_.reap();
    ours.merge(probe_.processes());
    // protection: adopted-processes
    reap_adopted(ours);
}

void Supervisor::restart_those_due()
{
    for (Child& child : children_) {
        if (!child.is_due()) continue;
        try {
            start(child);
            log_event("child-restarted", {{"process", child.role().name}});
        } catch (const std::exception& error) { // no process, memory or address just now
            log_event("child-not-restarted", {{"process", child.role().name}, {"reason", error.what()}});
            child.could_not_start();
        }
    }
}

void Supervisor::look_after_children()
{
    next_look_ = Clock::now() + Heartbeat::interval;
    reap();
    check_listening_sockets();
    // The listening sockets of a process that cannot end would keep the next server from their addresses.
    for (Child& child : children_)
        if (child.look() && sockets_of(child) != nullptr) sockets_of(child)->renew();
    if (Clock::now() < next_socket_check_) return;
    next_socket_check_ = Clock::now() + socket_check_interval;
    administrator_.open(runtime_directories()); // its folder may be removed when the user logs out
}

void Supervisor::check_listening_sockets()
{
    for (const Child& child : children_) {
        const ListeningSet* const sockets = sockets_of(child);
        if (sockets == nullptr || !child.runs()) continue;
        for (const std::string& address : sockets->find_changed()) {
            log_event("listening-socket-changed",
                      {{"address", address},
                       {"effect", child.role().name + " is ended, and the socket opened anew"}});
            child.kill();
        }
    }
}

ServerStatus Supervisor::status() const
{
    ServerStatus status = status_;
    status.fingerprint = secrets_.fingerprint();
    status.listening = sockets_.addresses(SocketKind::control);
    status.ntp = time_sockets_.addresses(SocketKind::ntp);
    status.time_text = time_sockets_.addresses(SocketKind::time_text);
    for (const Child& child : children_)
        status.children.push_back({child.role().name, child.pid()});
    return status;
}

// ---- reload and stop

void Supervisor::reload()
{
    std::vector<Problem> problems;
    Settings settings = read_settings(arguments_.setting_flags, arguments_.config_file(), problems);
    for (const Problem& problem : problems)
        log_event("setting-refused", {{"where", problem.where}, {"reason", problem.what}});
    if (!problems.empty()) return;
    administrator_.open(runtime_directories());
    if (!has_its_directories()) {
        log_event(
            "reload-refused",
            {{"reason", "the data directory cannot be used, as the event before says; nothing was changed"}});
        return;
    }
    const std::string later = keep_until_next_start(arguments_.settings, settings);
    if (!later.empty()) log_event("setting-changes-at-restart", {{"settings", later}});
    const Settings before = std::exchange(arguments_.settings, settings);
    try {
        refuse_unsafe_tree(arguments_.settings, directory_);
        secrets_.load(arguments_.settings);
    } catch (const std::exception& error) {
        log_event("reload-refused", {{"reason", error.what()}});
        arguments_.settings = before;
        return;
    }
    set_log_format(arguments_.settings.log_format);
    for (const Child& child : children_)
        child.send(secrets_.configuration(child.role(), arguments_.settings));
    log_event("reloaded", {{"certificate", secrets_.fingerprint()}});
}

// Without its DATA a reload would take, or make, a certificate that does not belong to the users in force.
bool Supervisor::has_its_directories()
{
    if (!probe_.still_names("data", status_.data)) return false;
    probe_.still_names("root", status_.tree); // is said, and all else can be reloaded
    return true;
}

// With the settings in force. The self-signed certificate is made anew before it runs out, and one that the
// administrator has replaced is taken over.
void Supervisor::renew_certificate()
{
    secrets_.put_off_check();
    if (!probe_.still_names("data", status_.data)) return;
    try {
        if (!secrets_.load(arguments_.settings)) return;
    } catch (const std::exception& error) {
        log_event("certificate-refused", {{"reason", error.what()}});
        return;
    }
    for (const Child& child : children_)
        if (child.role().certificate) child.send(secrets_.configuration(child.role(), arguments_.settings));
    log_event("certificate-renewed");
}

// Nobody listens from here on, even if a child does not end. Those that were started last are stopped
// first, so that their last answers can still be asked for.
int Supervisor::stop(Signals& signals)
{
    administrator_.close();
    sockets_.stop();
    time_sockets_.stop();
    std::for_each(children_.rbegin(), children_.rend(), [&](Child& child) { child.stop(signals); });
    log_event("stopped");
    return exit_done;
}

} // namespace ftpc::server
