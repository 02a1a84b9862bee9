#include "server/supervisor/child.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::chrono::seconds start_time{60};
constexpr std::chrono::seconds stop_time{5};
constexpr std::chrono::seconds kill_time{1}; // for the kernel to end a child that was killed

std::string describe_status(int status)
{
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return "status " + std::to_string(WEXITSTATUS(status));
}

bool has_ended(pid_t pid, int& status)
{
    return ::waitpid(pid, &status, WNOHANG) == pid;
}

int milliseconds_until(Child::Clock::time_point time)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - Child::Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

} // namespace

void Child::start(int program, const ipc::Configure& configure, std::span<const int> descriptors)
{
    ready_ = false;
    heartbeat_ = {};
    process_.emplace(program, "ftpcd: " + role_.name, "process-" + role_.name, role_.user);
    pause_.started(Clock::now());
    send(configure, descriptors);
}

bool Child::await_ready(Signals& signals)
{
    const auto deadline = Clock::now() + start_time;
    while (!ready_) {
        std::array<pollfd, 2> waiting{pollfd{control(), POLLIN, 0}, pollfd{signals.descriptor(), POLLIN, 0}};
        if (::poll(waiting.data(), waiting.size(), milliseconds_until(deadline)) == 0)
            throw std::runtime_error{"the process " + role_.name + " did not start in time"};
        if (waiting[1].revents != 0 && signals.take_stop()) return false;
        if (waiting[0].revents == 0) continue;
        const auto report = receive();
        const auto* failed = report ? std::get_if<ipc::Failed>(&*report) : nullptr;
        if (failed != nullptr) throw std::runtime_error{failed->reason};
        if (!ready_) throw std::runtime_error{"the process " + role_.name + " ended while it was starting"};
    }
    return true;
}

std::optional<ipc::Report> Child::receive()
{
    const auto packet = ipc::receive_packet(control(), ipc::max_control_bytes);
    if (!packet && packet.error().value() == EAGAIN) return {};
    if (!packet || packet->bytes.empty()) { // it is ending, and SIGCHLD is about to say so
        kill();
        process_->hang_up();
        return {};
    }
    auto report = ipc::decode_report(packet->bytes);
    if (!report) return {};
    if (std::holds_alternative<ipc::Alive>(*report)) heartbeat_.heard();
    if (const auto* ready = std::get_if<ipc::Ready>(&*report)) on_ready(*ready);
    return std::move(*report);
}

void Child::on_ready(const ipc::Ready& report)
{
    if (std::exchange(ready_, true)) return; // after a reload
    heartbeat_.heard();
    if (!first_report_)
        first_report_ = report;
    else if (report.lockdown_missing != first_report_->lockdown_missing)
        log_event("lockdown-incomplete", {{"process", role_.name}, {"reason", report.lockdown_missing}});
}

void Child::send(const ipc::Order& order, std::span<const int> descriptors) const
{
    if (process_) process_->send(order, descriptors);
}

bool Child::look()
{
    if (!process_) return false;
    switch (heartbeat_.look(read_process_state(pid()))) {
    case Heartbeat::Verdict::wait:
        break;
    case Heartbeat::Verdict::ask:
        send(ipc::Ping{});
        break;
    case Heartbeat::Verdict::kill:
        log_event("child-silent",
                  {{"process", role_.name},
                   {"seconds", static_cast<std::uint64_t>(Heartbeat::longest_silence.count())},
                   {"effect", "it is killed and started again"}});
        kill();
        break;
    case Heartbeat::Verdict::leave:
        log_event("left-behind",
                  {{"process", role_.name},
                   {"pid", static_cast<std::uint64_t>(pid())},
                   {"reason", "it ended while a file system did not answer, and is gone when that does"}});
        left_behind_.push_back(pid());
        await_restart();
        return true;
    }
    return false;
}

void Child::reap()
{
    int status = 0;
    if (process_ && has_ended(pid(), status)) {
        log_event("child-ended", {{"process", role_.name}, {"with", describe_status(status)}});
        await_restart();
    }
    const auto gone = std::erase_if(left_behind_, [&](pid_t left) {
        if (!has_ended(left, status)) return false;
        log_event("left-behind-ended", {{"process", role_.name}, {"pid", static_cast<std::uint64_t>(left)}});
        return true;
    });
    if (gone > 0 && !process_) pause_.end(Clock::now());
}

std::set<pid_t> Child::processes() const
{
    std::set<pid_t> all{left_behind_.begin(), left_behind_.end()};
    if (process_) all.insert(pid());
    return all;
}

void Child::await_restart()
{
    process_.reset();
    pause_.ended(Clock::now(), std::exchange(ready_, false), left_behind_.size());
}

void Child::stop(Signals& signals)
{
    if (!process_) return;
    send(ipc::Stop{});
    auto deadline = Clock::now() + stop_time;
    int status = 0;
    while (::waitpid(pid(), &status, WNOHANG) == 0) {
        const auto now = Clock::now();
        if (now >= deadline + kill_time) {
            // It waits in the kernel for a file system, and ends when that answers.
            log_event("left-behind", {{"process", role_.name}, {"pid", static_cast<std::uint64_t>(pid())}});
            break;
        }
        if (now >= deadline) kill();
        pollfd waiting{signals.descriptor(), POLLIN, 0};
        ::poll(&waiting, 1, milliseconds_until(now >= deadline ? deadline + kill_time : deadline));
        if (signals.take_stop()) deadline = std::min(deadline, Clock::now());
    }
    process_.reset();
}

} // namespace ftpc::server
