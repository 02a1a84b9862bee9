#include "server/supervisor.hpp"

#include "server/auth/pepper.hpp"
#include "server/certificate.hpp"
#include "server/ipc/channel.hpp"
#include "server/log.hpp"
#include "server/net/tls_context.hpp"
#include "server/serve_lock.hpp"
#include "shared/text.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace ftpc::server {

namespace {

// A child that dies again and again is started with growing pauses. One that had been serving is back soon
// even then, but not at once: whoever has found a way to end it gets few tries a second to find another.
constexpr std::chrono::milliseconds shortest_pause{50};
constexpr std::chrono::milliseconds longest_pause_of_serving{100};
constexpr std::chrono::milliseconds longest_pause{10000}; // of one that did not even become ready
constexpr std::chrono::seconds long_enough{10};           // a child that lived so long is restarted at once
constexpr std::chrono::seconds start_time{60};
constexpr std::chrono::seconds stop_time{5};
constexpr std::chrono::seconds kill_time{1}; // for the kernel to end a child that was killed
constexpr std::chrono::hours certificate_check_interval{24};
constexpr std::chrono::minutes clock_tolerance{1};

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
    keep(in_force.pin_reactors, settings.pin_reactors, "pin-reactors");
    keep(in_force.lockdown, settings.lockdown, "lockdown");
    keep(in_force.lockdown_debug, settings.lockdown_debug, "lockdown-debug");
    return names;
}

} // namespace

Supervisor::Supervisor(const Arguments& arguments)
    : arguments_{arguments}, accounts_{find_service_accounts(arguments.settings)},
      program_{open_own_program()}, directory_{open_data_directory(arguments.settings, accounts_)},
      lock_{lock_for_serving(directory_.data.get(), arguments.settings.data)}
{
    auth_ = {"auth", "process-auth", accounts_.auth, {}, false, {}, {}, {}, false, {}};
    net_ = {"net", "process-net", accounts_.net, {}, false, {}, {}, {}, false, {}};
    set_log_format(arguments_.settings.log_format);
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
    for (Child* child : {&auth_, &net_}) {
        start(*child);
        const bool ready = wait_until_ready(*child);
        if (ready) continue;
        stop();
        return exit_done;
    }
    connect_children();
    announce();
    while (true) {
        std::array<pollfd, 3> waiting{pollfd{signals_.get(), POLLIN, 0},
                                      pollfd{auth_.process ? auth_.process->control() : -1, POLLIN, 0},
                                      pollfd{net_.process ? net_.process->control() : -1, POLLIN, 0}};
        ::poll(waiting.data(), waiting.size(), milliseconds_to_wait());
        if (waiting[1].revents != 0) on_report(auth_);
        if (waiting[2].revents != 0) on_report(net_);
        for (const unsigned number : take_signals(signals_.get())) {
            if (number == SIGCHLD) reap();
            if (number == SIGHUP) reload();
            if (number == SIGTERM || number == SIGINT) {
                stop();
                return exit_done;
            }
        }
        end_those_stuck();
        restart_those_due();
        if (is_certificate_due()) renew_certificate();
    }
}

// ---- starting

void Supervisor::start(Child& child)
{
    child.ready = false;
    child.started = Clock::now();
    child.process.emplace(program_.get(), "ftpcd: " + child.name, child.subcommand, child.user);
    configure(child, true);
}

void Supervisor::configure(const Child& child, bool first) const
{
    std::vector<int> descriptors;
    if (first && &child == &auth_) descriptors.push_back(directory_.data.get());
    if (first && &child == &net_) {
        descriptors.push_back(directory_.tree.get());
        for (const ListeningSocket& socket : sockets_)
            descriptors.push_back(socket.fd.get());
    }
    child.process->send(configuration(child), descriptors);
}

// Each child gets only the secrets that it works with.
ipc::Configure Supervisor::configuration(const Child& child) const
{
    ipc::Configure configure{settings_text(arguments_.settings), {}, {}, {}, child.replaces_dead};
    if (&child == &auth_) {
        configure.pepper = pepper_;
    } else {
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
        if (!report) throw std::runtime_error{"the process " + child.name + " ended while it was starting"};
        child.ready = true;
        child.first_report = std::get<ipc::Ready>(*report);
    }
    return true;
}

void Supervisor::on_report(Child& child)
{
    const auto packet = ipc::receive_packet(child.process->control(), ipc::max_control_bytes);
    if (!packet && packet.error().value() == EAGAIN) return;
    if (!packet || packet->bytes.empty()) { // it is ending, and SIGCHLD is about to say so
        ::kill(child.process->pid(), SIGKILL);
        int status = 0;
        ::waitpid(child.process->pid(), &status, 0);
        on_end(child, status);
        return;
    }
    const auto report = ipc::decode_report(packet->bytes);
    if (!report) return;
    if (const auto* failed = std::get_if<ipc::Failed>(&*report)) {
        log_event("refused", {{"process", child.name}, {"reason", failed->reason}});
    } else if (!child.ready) {
        const std::string& missing = std::get<ipc::Ready>(*report).lockdown_missing;
        if (missing != child.first_report.lockdown_missing)
            log_event("lockdown-incomplete", {{"process", child.name}, {"reason", missing}});
        child.ready = true;
        connect_children();
    }
}

// A fresh channel whenever one of the two is new: what the other had asked its predecessor stays without an
// answer.
void Supervisor::connect_children()
{
    if (!auth_.ready || !net_.ready) return;
    const auto [for_auth, for_net] = ipc::make_channel();
    const int auth_end = for_auth.get();
    const int net_end = for_net.get();
    auth_.process->send(ipc::Connect{}, {&auth_end, 1});
    net_.process->send(ipc::Connect{}, {&net_end, 1});
}

void Supervisor::announce() const
{
    std::string addresses;
    for (const ListeningSocket& socket : sockets_)
        addresses += (addresses.empty() ? "" : " and ") + socket.address;
    const std::uint64_t users = auth_.first_report.users;
    std::string text = "ftpcd: listening on " + addresses + ", tree " + arguments_.settings.root_directory() +
                       ", " + std::to_string(users) + (users == 1 ? " user\n" : " users\n");
    text += "ftpcd: certificate " + describe_certificate(certificate_pem_).fingerprint +
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

// A line, or one for each of the two where they differ, and one for each feature that the kernel lacks.
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
    const bool same = auth_.first_report.lockdown == net_.first_report.lockdown &&
                      auth_.first_report.lockdown_missing == net_.first_report.lockdown_missing;
    if (same) {
        add("", net_.first_report);
    } else {
        add(" of auth", auth_.first_report);
        add(" of net", net_.first_report);
    }
    return text;
}

// ---- keeping them alive

void Supervisor::reap()
{
    for (Child* child : {&auth_, &net_}) {
        int status = 0;
        if (child->process && ::waitpid(child->process->pid(), &status, WNOHANG) == child->process->pid())
            on_end(*child, status);
    }
}

void Supervisor::on_end(Child& child, int status)
{
    log_event("child-ended", {{"process", child.name}, {"with", describe_status(status)}});
    child.process.reset();
    child.replaces_dead = true;
    back_off(child, std::exchange(child.ready, false) ? longest_pause_of_serving : longest_pause);
}

void Supervisor::back_off(Child& child, std::chrono::milliseconds longest)
{
    const bool lived_long = Clock::now() - child.started > long_enough;
    child.back_off =
        lived_long ? std::chrono::milliseconds{0} : std::clamp(child.back_off * 2, shortest_pause, longest);
    child.restart_at = Clock::now() + child.back_off;
}

void Supervisor::restart_those_due()
{
    for (Child* child : {&auth_, &net_}) {
        if (child->process || Clock::now() < child->restart_at) continue;
        try {
            start(*child);
            log_event("child-restarted", {{"process", child->name}});
        } catch (const std::exception& error) { // no processes or no memory just now
            log_event("child-not-restarted", {{"process", child->name}, {"reason", error.what()}});
            back_off(*child, longest_pause);
        }
    }
}

// A restarted child that does not become ready; its end is reaped, and it is started once more.
void Supervisor::end_those_stuck()
{
    for (const Child* child : {&auth_, &net_})
        if (child->process && !child->ready && Clock::now() - child->started > start_time)
            ::kill(child->process->pid(), SIGKILL);
}

int Supervisor::milliseconds_to_wait() const
{
    auto until = Clock::now() + clock_tolerance; // to see that the system's clock was set
    for (const Child* child : {&auth_, &net_}) {
        if (!child->process) until = std::min(until, child->restart_at);
        if (child->process && !child->ready) until = std::min(until, child->started + start_time);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

// ---- reload and stop

void Supervisor::reload()
{
    std::vector<Problem> problems;
    Settings settings = read_settings(arguments_.setting_flags, arguments_.config_file(), problems);
    for (const Problem& problem : problems)
        log_event("setting-refused", {{"where", problem.where}, {"reason", problem.what}});
    if (!problems.empty()) return;
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
    for (const Child* child : {&auth_, &net_})
        if (child->process) configure(*child, false);
    log_event("reloaded", {{"certificate", describe_certificate(certificate_pem_).fingerprint}});
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
    const std::string before = certificate_pem_;
    try {
        load_secrets();
    } catch (const std::exception& error) {
        log_event("certificate-refused", {{"reason", error.what()}});
        return;
    }
    if (certificate_pem_ == before) return;
    if (net_.process) configure(net_, false);
    log_event("certificate-renewed");
}

// net first, so that its last answers can still be asked for.
void Supervisor::stop()
{
    stop_child(net_);
    stop_child(auth_);
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
