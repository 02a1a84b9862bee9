#include "server/time/time_process.hpp"

#include "server/clock/clock.hpp"
#include "server/ipc/channel.hpp"
#include "server/ipc/control.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/log/log.hpp"
#include "server/time/datagrams.hpp"
#include "server/time/ntp_clock.hpp"
#include "server/time/time_answers.hpp"
#include "server/time/unforeseen_lot.hpp"
#include "shared/crypto/digest.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ftpc::server {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds look_interval{1}; // of looking at the kernel's clock, and of reports

AddressRate::Secret random_secret()
{
    AddressRate::Secret secret{};
    fill_random({reinterpret_cast<std::uint8_t*>(secret.data()), sizeof secret});
    return secret;
}

// The first order, which everything else is built from.
struct Start {
    Settings settings;
    std::vector<UniqueFd> ntp;
    std::vector<UniqueFd> text;
};

Start receive_start(int control)
{
    auto packet = ipc::receive_packet(control, ipc::max_control_bytes);
    if (!packet) throw boost::system::system_error{packet.error(), "the supervisor's first order"};
    const auto order = ipc::decode_order(packet->bytes);
    const auto* configure = order ? std::get_if<ipc::Configure>(&*order) : nullptr;
    if (configure == nullptr || packet->descriptors.empty())
        throw std::runtime_error{"the supervisor's first order is not a configuration"};
    Start start{settings_of(configure->settings), {}, {}};
    for (std::size_t i = 0; i < packet->descriptors.size(); ++i)
        (i < configure->first_sockets ? start.ntp : start.text).push_back(std::move(packet->descriptors[i]));
    return start;
}

class TimeProcess {
public:
    TimeProcess(int control, Start start, Lockdown lockdown)
        : control_{control}, settings_{std::move(start.settings)}, lockdown_{std::move(lockdown)}
    {
        waiting_.push_back({control_, POLLIN, 0});
        for (auto* const sockets : {&start.ntp, &start.text})
            for (UniqueFd& socket : *sockets) {
                waiting_.push_back({socket.get(), POLLIN, 0});
                sockets_.push_back({std::move(socket), sockets == &start.ntp});
            }
    }

    // Until the supervisor says Stop or is gone.
    void run()
    {
        report_ready();
        for (auto now = SteadyClock::now(); !stopping_; now = SteadyClock::now()) {
            if (now >= next_look_) look(now);
            for (std::size_t i = 0; i < sockets_.size(); ++i)
                if (waiting_[i + 1].revents != 0) serve(sockets_[i], now);
            ::poll(waiting_.data(), waiting_.size(), milliseconds_until(next_look_, now));
            if (waiting_.front().revents != 0) obey();
        }
    }

private:
    struct Socket {
        UniqueFd fd;
        bool is_ntp = false;
    };

    // ---- clients

    void serve(const Socket& socket, SteadyClock::time_point now)
    {
        const std::size_t count = datagrams_.receive(socket.fd.get());
        if (count == 0) return;
        const SystemTime sent = system_time_now();
        for (std::size_t i = 0; i < count; ++i)
            socket.is_ntp ? answer_ntp(i, sent, now) : answer_text(i, sent, now);
        datagrams_.send(socket.fd.get());
    }

    void answer_ntp(std::size_t index, SystemTime sent, SteadyClock::time_point now)
    {
        const auto answer = answers_.to_ntp(datagrams_.request(index), sent, now);
        if (answer) datagrams_.answer(index, *answer);
    }

    void answer_text(std::size_t index, SystemTime sent, SteadyClock::time_point now)
    {
        TimeText room;
        const std::string_view text = answers_.to_text(datagrams_.request(index), sent, now, room);
        if (!text.empty())
            datagrams_.answer(index, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    }

    // ---- once a second

    static int milliseconds_until(SteadyClock::time_point time, SteadyClock::time_point now)
    {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(time - now);
        return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }

    void look(SteadyClock::time_point now)
    {
        next_look_ = now + look_interval;
        look_at_clock();
        tell_limit_hits();
    }

    void look_at_clock()
    {
        const KernelClock kernel = read_kernel_clock();
        const SystemTime now = system_time_now();
        answers_.set_clock(describe_clock(settings_.time_source, settings_.time_stratum, kernel, now));
        if (settings_.listen_ntp.empty() || settings_.time_source != TimeSource::kernel) return;
        if (std::exchange(synchronised_, kernel.synchronised) == kernel.synchronised) return;
        if (kernel.synchronised)
            log_event("clock-synchronised",
                      {{"max-error-us", static_cast<std::uint64_t>(kernel.max_error.count())}});
        else
            log_event("clock-not-synchronised",
                      {{"effect", "NTP's clients are told so and do not take the time from here"}});
    }

    // Forged sources cannot fill the log: a line a second is enough.
    void tell_limit_hits()
    {
        const LimitHits& hits = answers_.limit_hits();
        const std::uint64_t count = hits.count - std::exchange(told_limit_hits_, hits.count);
        if (count == 0) return;
        const std::string peer = address_text(hits.last);
        log_event("limit-hit", {{"limit", "time-rate"}, {"peer", peer}, {"requests", count}});
        report(ipc::TimeLimitHit{count, peer});
    }

    // ---- the supervisor

    void obey()
    {
        const auto packet = ipc::receive_packet(control_, ipc::max_control_bytes);
        if (!packet && packet.error().value() == EAGAIN) return;
        const auto order = packet ? ipc::decode_order(packet->bytes) : packet.error();
        if (!order || std::holds_alternative<ipc::Stop>(*order)) {
            stopping_ = true;
            return;
        }
        if (const auto* configure = std::get_if<ipc::Configure>(&*order)) reconfigure(*configure);
        if (std::holds_alternative<ipc::Ping>(*order)) report(ipc::Alive{});
    }

    void reconfigure(const ipc::Configure& configure)
    {
        try {
            settings_ = settings_of(configure.settings);
            set_log_format(settings_.log_format);
            look_at_clock();
            report_ready();
        } catch (const std::exception& error) {
            report(ipc::Failed{error.what()});
        }
    }

    void report_ready() const { report(ipc::Ready{0, lockdown_.in_force, lockdown_.missing}); }

    // A supervisor that stands still misses a report, and no client waits for it.
    void report(const ipc::Report& what) const
    {
        static_cast<void>(ipc::send_packet(control_, ipc::encode(what)));
    }

    int control_;
    Settings settings_;
    Lockdown lockdown_;
    std::vector<Socket> sockets_;
    std::vector<pollfd> waiting_; // the control channel, then the sockets
    Datagrams datagrams_;
    UnforeseenLot lot_;
    TimeAnswers answers_{random_secret(), [this] { return lot_.one_of_four(); }};
    SteadyClock::time_point next_look_;
    std::optional<bool> synchronised_; // as it was told last
    std::uint64_t told_limit_hits_ = 0;
    bool stopping_ = false;
};

// The lockdown would refuse each of these later.
void read_files(const Settings& settings)
{
    static_cast<void>(log_time_now()); // looks at standard error
    if (!use_time_zone(settings.time_zone))
        throw std::runtime_error{"time-zone: there is no zone '" + settings.time_zone + "'"};
}

} // namespace

int run_time_process()
{
    set_log_name("ftpcd[time]");
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    // Once more: the kernel forgets it when a program with file capabilities is executed (prctl(2)).
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return EXIT_FAILURE;
    const UniqueFd control{ipc::control_descriptor};
    try {
        harden_process();
        Start start = receive_start(control.get());
        set_log_format(start.settings.log_format);
        ::fcntl(control.get(), F_SETFL, O_NONBLOCK);
        read_files(start.settings);
        Lockdown lockdown = lock_down(Locked::time, start.settings, no_directory);
        TimeProcess{control.get(), std::move(start), std::move(lockdown)}.run();
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        static_cast<void>(
            ipc::send_packet(control.get(), ipc::encode(ipc::Report{ipc::Failed{error.what()}})));
        return EXIT_FAILURE;
    }
}

} // namespace ftpc::server
