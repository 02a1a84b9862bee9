#include "server/supervisor/supervisor.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"
#include "server/running/running_servers.hpp"
#include "server/running/runtime_directory.hpp"
#include "server/supervisor/certificate.hpp"
#include "server/supervisor/serve_lock.hpp"
#include "server/transport/tls_context.hpp"
#include "server/users/pepper.hpp"
#include "shared/base/text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::chrono::milliseconds shortest_life_of_channel{250};
constexpr std::chrono::seconds start_time{60};
constexpr std::chrono::seconds stop_time{5};
constexpr std::chrono::seconds kill_time{1}; // for the kernel to end a child that was killed
constexpr std::chrono::hours certificate_check_interval{24};
constexpr std::chrono::minutes clock_tolerance{1};
constexpr std::chrono::seconds socket_check_interval{10};

UniqueFd catch_signals()
{
    sigset_t caught;
    ::sigemptyset(&caught);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        ::sigaddset(&caught, number);
    ::sigprocmask(SIG_BLOCK, &caught, nullptr);
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN)); // whoever reads the log may go away
    UniqueFd fd{::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!fd) throw std::runtime_error{"signalfd: " + last_system_error().message()};
    return fd;
}

// The signals that have come; SIGCHLD among them may stand for several.
std::vector<unsigned> take_signals(int fd)
{
    std::vector<unsigned> numbers;
    signalfd_siginfo info{};
    while (::read(fd, &info, sizeof info) == sizeof info)
        numbers.push_back(info.ssi_signo);
    return numbers;
}

bool wants_stop(const std::vector<unsigned>& signals)
{
    return std::any_of(signals.begin(), signals.end(),
                       [](unsigned n) { return n == SIGTERM || n == SIGINT; });
}

std::string describe_status(int status)
{
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return "status " + std::to_string(WEXITSTATUS(status));
}

std::vector<ListeningSocket> open_all(const std::vector<std::string>& addresses)
{
    std::vector<ListeningSocket> all;
    for (const std::string& address : addresses)
        for (ListeningSocket& socket : open_listening_sockets(address))
            all.push_back(std::move(socket));
    if (all.size() >= ipc::max_passed_descriptors)
        throw std::runtime_error{"too many addresses to listen on"};
    return all;
}

// Puts back what can only change with the next start, and names it.
std::string keep_until_next_start(const Settings& in_force, Settings& settings)
{
    std::string names;
    const auto keep = [&](const auto& old_value, auto& new_value, const char* name) {
        if (old_value == new_value) return;
        new_value = old_value;
        names.append(names.empty() ? "" : ", ").append(name);
    };
    keep(in_force.data, settings.data, "data");
    keep(in_force.root, settings.root, "root");
    keep(in_force.listen, settings.listen, "listen");
    keep(in_force.net_user, settings.net_user, "net-user");
    keep(in_force.auth_user, settings.auth_user, "auth-user");
    keep(in_force.reactors, settings.reactors, "reactors");
    keep(in_force.lockdown, settings.lockdown, "lockdown");
    keep(in_force.lockdown_debug, settings.lockdown_debug, "lockdown-debug");
    return names;
}

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

} // namespace

Supervisor::Supervisor(const Arguments& arguments)
    : arguments_{arguments}, accounts_{find_service_accounts(arguments.settings)},
      program_{open_own_program()}, directory_{open_data_directory(arguments.settings, accounts_)},
      lock_{lock_for_serving(directory_.data.get(), arguments.settings.data)}
{
    children_[0].name = "auth";
    children_[0].subcommand = "process-auth";
    children_[0].user = accounts_.auth;
    children_[0].given = {.data = true, .pepper = true};
    children_[1].name = "net";
    children_[1].subcommand = "process-net";
    children_[1].user = accounts_.net;
    children_[1].given = {.tree = true, .listening_sockets = true, .certificate = true};
    set_log_format(arguments_.settings.log_format);
    status_ = initial_status(arguments_, directory_);
    // protection: one-server-a-path
    refuse_if_served(ask_running_servers(runtime_directories()).answered, status_.data);
    load_secrets();
    sockets_ = open_all(arguments_.settings.listen);
}

// Also tries them out, so that a broken certificate is refused here, where it can be said, and not in a
// child.
void Supervisor::load_secrets()
{
    CertificateFiles files = load_or_make_certificate(arguments_.settings);
    try {
        make_tls_context(files.certificate_pem, view(files.key_pem));
    } catch (const std::runtime_error& error) {
        throw std::runtime_error{arguments_.settings.certificate_file() + ": " + error.what()};
    }
    SecretText pepper = read_pepper_file(arguments_.settings.pepper_file);
    certificate_pem_ = std::move(files.certificate_pem);
    key_pem_ = std::move(files.key_pem);
    pepper_ = std::move(pepper);
    certificate_checked_ = {};
}

int Supervisor::run()
{
    // It holds the TLS key and the pepper, and without root it is a process of the same user as net.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signals_ = catch_signals();
    for (Child& child : children_) {
        start(child);
        const bool ready = wait_until_ready(child);
        if (ready) continue;
        stop();
        return exit_done;
    }
    connect_children();
    administrator_.open(runtime_directories());
    announce();
    while (true) {
        wait_for_events();
        for (const unsigned number : take_signals(signals_.get())) {
            if (number == SIGCHLD) reap();
            if (number == SIGHUP) reload();
            if (number == SIGTERM || number == SIGINT) {
                stop();
                return exit_done;
            }
        }
        if (Clock::now() >= next_look_) look_after_children();
        restart_those_due();
        replace_lost_channel();
        if (is_certificate_due()) renew_certificate();
    }
}

// Until a signal or a report has come, or something is due; takes the reports.
void Supervisor::wait_for_events()
{
    std::vector<pollfd> waiting{{signals_.get(), POLLIN, 0}};
    for (const Child& child : children_) // of one that does not run: -1, which poll(2) passes over
        waiting.push_back({child.process ? child.process->control() : -1, POLLIN, 0});
    waiting.push_back({administrator_.descriptor(), POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), milliseconds_to_wait());
    if (waiting.back().revents != 0) administrator_.answer([this] { return status(); });
    for (std::size_t i = 0; i < children_.size(); ++i)
        if (waiting[i + 1].revents != 0) on_report(children_[i]);
}

const Supervisor::Child& Supervisor::child(std::string_view name) const
{
    return *std::find_if(children_.begin(), children_.end(), [&](const Child& c) { return c.name == name; });
}

// ---- starting

void Supervisor::start(Child& child)
{
    if (child.given.listening_sockets) mend_listening_sockets();
    child.ready = false;
    child.heartbeat = {};
    child.process.emplace(program_.get(), "ftpcd: " + child.name, child.subcommand, child.user);
    child.pause.started(Clock::now());
    configure(child, true);
}

void Supervisor::configure(const Child& child, bool first) const
{
    if (!first) return child.process->send(configuration(child));
    // Opened anew, so that a lock which the child takes on it (flock(2)) ends with the child.
    const UniqueFd data{
        ::openat(directory_.data.get(), ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    child.process->send(configuration(child), descriptors_for(child, data.get()));
}

std::vector<int> Supervisor::descriptors_for(const Child& child, int data) const
{
    std::vector<int> descriptors;
    if (child.given.data) descriptors.push_back(data);
    if (child.given.tree) descriptors.push_back(directory_.tree.get());
    if (child.given.listening_sockets)
        for (const ListeningSocket& socket : sockets_)
            descriptors.push_back(socket.fd.get());
    return descriptors;
}

// Each child gets only the secrets that it works with.
ipc::Configure Supervisor::configuration(const Child& child) const
{
    ipc::Configure configure{settings_text(arguments_.settings), {}, {}, {}};
    if (child.given.pepper) configure.pepper = pepper_;
    if (child.given.certificate) {
        configure.certificate_pem = certificate_pem_;
        configure.key_pem = key_pem_;
    }
    return configure;
}

// At the start a child that does not become ready ends everything, with its reason.
bool Supervisor::wait_until_ready(Child& child)
{
    const auto deadline = Clock::now() + start_time;
    while (!child.ready) {
        std::array<pollfd, 2> waiting{pollfd{child.process->control(), POLLIN, 0},
                                      pollfd{signals_.get(), POLLIN, 0}};
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0 || ::poll(waiting.data(), waiting.size(), static_cast<int>(left)) == 0)
            throw std::runtime_error{"the process " + child.name + " did not start in time"};
        if (waiting[1].revents != 0 && wants_stop(take_signals(signals_.get()))) return false;
        if (waiting[0].revents == 0) continue;
        const auto packet = ipc::receive_packet(child.process->control(), ipc::max_control_bytes);
        const auto report = packet && !packet->bytes.empty() ? ipc::decode_report(packet->bytes)
                                                             : Result<ipc::Report>{last_system_error()};
        const auto* failed = report ? std::get_if<ipc::Failed>(&*report) : nullptr;
        if (failed != nullptr) throw std::runtime_error{failed->reason};
        const auto* ready = report ? std::get_if<ipc::Ready>(&*report) : nullptr;
        if (ready == nullptr)
            throw std::runtime_error{"the process " + child.name + " ended while it was starting"};
        child.ready = true;
        child.heartbeat.heard();
        child.first_report = *ready;
    }
    return true;
}

// Not one of which the control channel has ended, either: its death is about to be told.
bool Supervisor::serves(const Child& child)
{
    return child.ready && child.process && child.process->control() >= 0;
}

// A fresh channel whenever one of the two is new: what the other had asked its predecessor stays without an
// answer.
void Supervisor::connect_children()
{
    const Child& auth = child("auth");
    const Child& net = child("net");
    if (!serves(auth) || !serves(net)) return;
    const auto [for_auth, for_net] = ipc::make_channel();
    const int auth_end = for_auth.get();
    const int net_end = for_net.get();
    const ipc::Connect order{++channel_number_};
    connected_at_ = Clock::now();
    channel_lost_ = false;
    auth.process->send(order, {&auth_end, 1});
    net.process->send(order, {&net_end, 1});
}

// Both live, so the channel itself broke. Not at once if it is young: whoever can break it must not keep the
// three of them busy.
void Supervisor::replace_lost_channel()
{
    if (!channel_lost_ || Clock::now() < connected_at_ + shortest_life_of_channel) return;
    if (serves(child("auth")) && serves(child("net"))) log_event("channel-replaced");
    connect_children();
    channel_lost_ = false;
}

void Supervisor::announce() const
{
    std::string addresses;
    for (const ListeningSocket& socket : sockets_)
        addresses += (addresses.empty() ? "" : " and ") + socket.address;
    const std::uint64_t users = child("auth").first_report.users;
    std::string text = "ftpcd: listening on " + addresses + ", tree " + arguments_.settings.root_directory() +
                       ", " + std::to_string(users) + (users == 1 ? " user\n" : " users\n");
    text += "ftpcd: key fingerprint " + describe_certificate(certificate_pem_).fingerprint +
            " (show it to your users: ftpcd fingerprint" + arguments_.flags_for_certificate() + ")\n";
    text += describe_lockdown();
    if (users == 0)
        text += "ftpcd: nobody can log in yet; add a user with: ftpcd user add NAME" +
                arguments_.flags_for_users() + "\n";
    if (arguments_.settings.log_format == LogFormat::logfmt) {
        std::cerr << text << std::flush;
        return;
    }
    std::istringstream lines{text}; // for programs: the same words, each line in an object like all others
    for (std::string line; std::getline(lines, line);)
        log_event("started", {{"text", line.substr(line.find(' ') + 1)}});
}

// A line, or one for each child where they differ, and one for each feature that the kernel lacks.
std::string Supervisor::describe_lockdown() const
{
    std::string text;
    const auto add = [&](const std::string& whose, const ipc::Ready& report) {
        const std::string start = "ftpcd: lockdown" + whose + ": ";
        text += start + printable(report.lockdown) + "\n";
        std::istringstream missing{report.lockdown_missing};
        for (std::string line; std::getline(missing, line);)
            text += start + printable(line) + "\n";
    };
    const ipc::Ready& one = children_.front().first_report;
    const bool same = std::all_of(children_.begin(), children_.end(), [&](const Child& child) {
        return child.first_report.lockdown == one.lockdown &&
               child.first_report.lockdown_missing == one.lockdown_missing;
    });
    if (same) add("", one);
    if (same) return text;
    for (const Child& child : children_)
        add(" of " + child.name, child.first_report);
    return text;
}

// ---- keeping them alive

void Supervisor::on_report(Child& child)
{
    const auto packet = ipc::receive_packet(child.process->control(), ipc::max_control_bytes);
    if (!packet && packet.error().value() == EAGAIN) return;
    if (!packet || packet->bytes.empty()) { // it is ending, and SIGCHLD is about to say so
        ::kill(child.process->pid(), SIGKILL);
        child.process->hang_up();
        return;
    }
    const auto report = ipc::decode_report(packet->bytes);
    if (!report) return;
    if (std::holds_alternative<ipc::Alive>(*report)) child.heartbeat.heard();
    if (const auto* lost = std::get_if<ipc::ChannelLost>(&*report))
        channel_lost_ = channel_lost_ || lost->number == channel_number_;
    if (const auto* failed = std::get_if<ipc::Failed>(&*report))
        log_event("refused", {{"process", child.name}, {"reason", failed->reason}});
    if (const auto* ready = std::get_if<ipc::Ready>(&*report)) on_ready(child, *ready);
}

void Supervisor::on_ready(Child& child, const ipc::Ready& report)
{
    if (std::exchange(child.ready, true)) return; // after a reload
    child.heartbeat.heard();
    if (report.lockdown_missing != child.first_report.lockdown_missing)
        log_event("lockdown-incomplete", {{"process", child.name}, {"reason", report.lockdown_missing}});
    connect_children();
}

void Supervisor::reap()
{
    const auto has_ended = [](pid_t pid, int& status) { return ::waitpid(pid, &status, WNOHANG) == pid; };
    for (Child& child : children_) {
        int status = 0;
        if (child.process && has_ended(child.process->pid(), status)) on_end(child, status);
        const auto gone = std::erase_if(child.left_behind, [&](pid_t pid) {
            if (!has_ended(pid, status)) return false;
            log_event("left-behind-ended",
                      {{"process", child.name}, {"pid", static_cast<std::uint64_t>(pid)}});
            return true;
        });
        if (gone > 0 && !child.process) child.pause.end(Clock::now());
    }
    probe_.reap();
}

void Supervisor::on_end(Child& child, int status)
{
    log_event("child-ended", {{"process", child.name}, {"with", describe_status(status)}});
    await_restart(child);
}

void Supervisor::await_restart(Child& child)
{
    child.process.reset();
    child.pause.ended(Clock::now(), std::exchange(child.ready, false), child.left_behind.size());
}

void Supervisor::restart_those_due()
{
    for (Child& child : children_) {
        if (child.process || Clock::now() < child.pause.restart_at()) continue;
        try {
            start(child);
            log_event("child-restarted", {{"process", child.name}});
        } catch (const std::exception& error) { // no process, memory or address just now
            log_event("child-not-restarted", {{"process", child.name}, {"reason", error.what()}});
            child.pause.could_not_start(Clock::now(), child.left_behind.size());
        }
    }
}

void Supervisor::look_after_children()
{
    next_look_ = Clock::now() + Heartbeat::interval;
    reap();
    check_listening_sockets();
    for (Child& child : children_)
        if (child.process) look_after(child);
    if (Clock::now() < next_socket_check_) return;
    next_socket_check_ = Clock::now() + socket_check_interval;
    administrator_.open(runtime_directories()); // its folder may be removed when the user logs out
}

void Supervisor::look_after(Child& child)
{
    switch (child.heartbeat.look(read_process_state(child.process->pid()))) {
    case Heartbeat::Verdict::wait:
        return;
    case Heartbeat::Verdict::ask:
        return child.process->send(ipc::Ping{});
    case Heartbeat::Verdict::kill:
        log_event("child-silent",
                  {{"process", child.name},
                   {"seconds", static_cast<std::uint64_t>(Heartbeat::longest_silence.count())},
                   {"effect", "it is killed and started again"}});
        ::kill(child.process->pid(), SIGKILL);
        return;
    case Heartbeat::Verdict::leave:
        return leave_behind(child);
    }
}

// What waits in the kernel keeps the whole process and all its descriptors. The listening sockets among them
// would keep the next server from their addresses.
void Supervisor::leave_behind(Child& child)
{
    const pid_t pid = child.process->pid();
    log_event("left-behind",
              {{"process", child.name},
               {"pid", static_cast<std::uint64_t>(pid)},
               {"reason", "it ended while a file system did not answer, and is gone when that does"}});
    child.left_behind.push_back(pid);
    await_restart(child);
    if (child.given.listening_sockets) renew_listening_sockets();
}

int Supervisor::milliseconds_to_wait() const
{
    auto until =
        std::min(next_look_, Clock::now() + clock_tolerance); // to see that the system's clock was set
    for (const Child& child : children_)
        if (!child.process) until = std::min(until, child.pause.restart_at());
    if (channel_lost_) until = std::min(until, connected_at_ + shortest_life_of_channel);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// ---- the administrator's commands

ServerStatus Supervisor::status() const
{
    ServerStatus status = status_;
    status.fingerprint = describe_certificate(certificate_pem_).fingerprint;
    for (const ListeningSocket& socket : sockets_)
        status.listening.push_back(socket.address);
    for (const Child& child : children_)
        status.children.push_back({child.name, child.process ? child.process->pid() : 0});
    return status;
}

// ---- the listening sockets

// net shares them, so a taken-over one may have changed what no filter of system calls keeps from it.
void Supervisor::check_listening_sockets()
{
    for (const ListeningSocket& socket : sockets_) {
        if (is_sound(socket)) continue;
        for (const Child& child : children_) {
            if (!child.given.listening_sockets || !child.process) continue;
            log_event("listening-socket-changed",
                      {{"address", socket.address},
                       {"effect", child.name + " is ended, and the socket opened anew"}});
            ::kill(child.process->pid(), SIGKILL);
        }
    }
}

// Throws std::runtime_error when an address cannot be had again.
void Supervisor::mend_listening_sockets()
{
    for (ListeningSocket& socket : sockets_)
        if (!is_sound(socket)) reopen(socket);
}

void Supervisor::renew_listening_sockets()
{
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    try {
        mend_listening_sockets();
    } catch (const std::exception& error) { // the next start tries again
        log_event("not-listening", {{"reason", error.what()}});
    }
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
        load_secrets();
    } catch (const std::exception& error) {
        log_event("reload-refused", {{"reason", error.what()}});
        arguments_.settings = before;
        certificate_checked_ = {};
        return;
    }
    set_log_format(arguments_.settings.log_format);
    for (const Child& child : children_)
        if (child.process) configure(child, false);
    log_event("reloaded", {{"certificate", describe_certificate(certificate_pem_).fingerprint}});
}

// Without its DATA no reload: it would take, or make, a certificate that does not belong to the users in
// force.
bool Supervisor::has_its_directories()
{
    if (!probe_.still_names("data", status_.data)) return false;
    probe_.still_names("root", status_.tree); // is said, and all else can be reloaded
    return true;
}

bool Supervisor::is_certificate_due() const
{
    const Clocks now;
    const auto passed = now.steady - certificate_checked_.steady;
    const auto by_system_clock = now.system - certificate_checked_.system;
    return passed > certificate_check_interval ||
           std::chrono::abs(by_system_clock - passed) > clock_tolerance;
}

// Once a day, and after the clock was set, with the settings in force: the self-signed certificate is made
// anew before it runs out, and one that the administrator has replaced is taken over.
void Supervisor::renew_certificate()
{
    certificate_checked_ = {};
    if (!probe_.still_names("data", status_.data)) return;
    const std::string before = certificate_pem_;
    try {
        load_secrets();
    } catch (const std::exception& error) {
        log_event("certificate-refused", {{"reason", error.what()}});
        return;
    }
    if (certificate_pem_ == before) return;
    for (const Child& child : children_)
        if (child.process && child.given.certificate) configure(child, false);
    log_event("certificate-renewed");
}

// Nobody listens from here on, whatever becomes of the children. Those that were started last are stopped
// first, so that their last answers can still be asked for.
void Supervisor::stop()
{
    administrator_.close();
    for (const ListeningSocket& socket : sockets_)
        stop_listening(socket);
    sockets_.clear();
    std::for_each(children_.rbegin(), children_.rend(), [this](Child& child) { stop_child(child); });
    log_event("stopped");
}

void Supervisor::stop_child(Child& child)
{
    if (!child.process) return;
    child.process->send(ipc::Stop{});
    auto deadline = Clock::now() + stop_time;
    int status = 0;
    while (::waitpid(child.process->pid(), &status, WNOHANG) == 0) {
        const auto now = Clock::now();
        if (now >= deadline + kill_time) {
            // It waits in the kernel for a file system, and ends when that answers.
            log_event("left-behind",
                      {{"process", child.name}, {"pid", static_cast<std::uint64_t>(child.process->pid())}});
            break;
        }
        if (now >= deadline) ::kill(child.process->pid(), SIGKILL);
        const auto next = now >= deadline ? deadline + kill_time : deadline;
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - now).count() + 1;
        pollfd waiting{signals_.get(), POLLIN, 0};
        ::poll(&waiting, 1, static_cast<int>(left));
        const bool impatient = wants_stop(take_signals(signals_.get()));
        if (impatient) deadline = std::min(deadline, Clock::now());
    }
    child.process.reset();
}

} // namespace ftpc::server
