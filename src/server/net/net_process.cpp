#include "server/net/net_process.hpp"

#include "server/clock/clock.hpp"
#include "server/event_loop/use_awaitable.hpp"
#include "server/ftp/connection.hpp"
#include "server/ipc/channel.hpp"
#include "server/ipc/control.hpp"
#include "server/ipc/endpoint.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/log/log.hpp"
#include "server/net/parent_death.hpp"
#include "server/transport/listener.hpp"
#include "server/transport/reactors.hpp"
#include "shared/base/processors.hpp"

#include <boost/asio.hpp>

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace ftpc::server {

namespace asio = boost::asio;
constexpr std::chrono::seconds stop_time{3};       // for connections to take their last reply
constexpr std::chrono::seconds memory_interval{5}; // of looking whether there is much to give back
constexpr std::chrono::seconds longest_realm_wait{1};
constexpr std::size_t few_connections = 64; // whose memory is not worth it

namespace {

Settings parse_configured(const ipc::Configure& configure)
{
    Settings settings = settings_of(configure.settings);
    set_log_format(settings.log_format);
    return settings;
}

constexpr rlim_t descriptors_kept_back = 64; // for directories, and for what the process itself has open

// As it was at the start.
rlim_t descriptor_limit()
{
    static const rlim_t at_start = [] {
        rlimit limit{};
        return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
    }();
    return at_start;
}

// No more connections than there are descriptors: unauthenticated clients are turned away while sessions can
// still open what they need.
AdmissionBounds admission_bounds(const Settings& settings)
{
    const rlim_t limit = descriptor_limit();
    const rlim_t most = limit > 2 * descriptors_kept_back ? limit - descriptors_kept_back : limit / 2;
    return {.connections = std::min<std::size_t>(settings.max_connections, most),
            .connections_per_address = settings.max_connections_per_address,
            .unauthenticated = settings.max_unauthenticated,
            .sessions_per_user = settings.max_sessions_per_user};
}

int descriptor_count()
{
    return static_cast<int>(std::min<rlim_t>(descriptor_limit(), std::numeric_limits<int>::max()));
}

// The first order, which everything else is built from.
struct Start {
    Settings settings;
    TlsContext tls;
    UniqueFd root;
    std::vector<UniqueFd> sockets;         // for control connections
    std::vector<UniqueFd> passive_sockets; // for data connections
};

Start receive_start()
{
    auto packet = ipc::receive_packet(ipc::control_descriptor, ipc::max_control_bytes);
    if (!packet) throw boost::system::system_error{packet.error(), "the supervisor's first order"};
    const auto order = ipc::decode_order(packet->bytes);
    const auto* configure = order ? std::get_if<ipc::Configure>(&*order) : nullptr;
    if (configure == nullptr || packet->descriptors.size() < 2)
        throw std::runtime_error{"the supervisor's first order is not a configuration"};
    Start start{parse_configured(*configure),
                make_tls_context(configure->certificate_pem, view(configure->key_pem)),
                std::move(packet->descriptors.front()),
                {},
                {}};
    for (std::size_t i = 1; i < packet->descriptors.size(); ++i) {
        auto& kind = i <= configure->first_sockets ? start.sockets : start.passive_sockets;
        kind.push_back(std::move(packet->descriptors[i]));
    }
    return start;
}

std::size_t number_of_reactors(const Settings& settings)
{
    return settings.reactors != 0 ? settings.reactors : std::max<std::size_t>(1, usable_processors().size());
}

class NetProcess {
public:
    NetProcess(Start start, Lockdown lockdown)
        : lockdown_{std::move(lockdown)}, settings_{std::move(start.settings)},
          control_{io_,
                   UniqueFd{ipc::control_descriptor},
                   ipc::max_control_bytes,
                   {.on_packet = [this](ipc::Packet packet) { obey(std::move(packet)); },
                    .on_closed = [this](std::string_view) { begin_to_stop(); }}},
          tree_{std::move(start.root), settings_.directory_mode, settings_.hand_over},
          workers_{settings_.tree_workers}, sync_{tree_.share_root()}, commits_{sync_,
                                                                                settings_.sync_parents},
          auth_{io_,
                {.on_realm = [this](const std::string& realm) { on_realm(realm); },
                 .on_revoked = [this](const ipc::LoginHandle& login) { on_revoked(login); },
                 .on_limit_changed = [this](const ipc::LimitChanged& change) { on_limit_changed(change); },
                 .on_lost = [this] { on_auth_lost(); }}},
          admission_{admission_bounds(settings_)}, passive_ports_{io_, std::move(start.passive_sockets),
                                                                  log_bounds_},
          contexts_(number_of_reactors(settings_),
                    ReactorContext{{tree_, sync_, commits_, auth_, workers_, admission_, homes_,
                                    passive_ports_, transfers_},
                                   settings_,
                                   start.tls}),
          reactors_{contexts_.size(), admission_, log_bounds_}, listener_{
                                                                    io_,
                                                                    {.service = ftp(),
                                                                     .sockets = std::move(start.sockets),
                                                                     .reactors = reactors_,
                                                                     .admission = admission_,
                                                                     .log_bounds = log_bounds_,
                                                                     .any_descriptor =
                                                                         tree_.share_root()->fd.get(),
                                                                     .descriptors = descriptor_count()}}
    {}

    void run()
    {
        asio::co_spawn(io_, give_memory_back(), asio::detached);
        set_busy_poll();
        asio::co_spawn(io_, listen_soon(), asio::detached);
        report_ready();
        warn_of_few_descriptors();
        io_.run();
        // Connections leave their last work here: answers that nobody waits for, and the ends of logins.
        io_.restart();
        io_.poll();
    }

    void warn_of_few_descriptors()
    {
        const std::size_t most = admission_bounds(settings_).connections;
        if (most >= settings_.max_connections) return;
        log_event("few-descriptors", {{"limit", descriptor_limit()}, {"max-connections", most}});
    }

    // Connections that would not end, calls on a file system that does not answer, or a slow sync.
    bool has_unfinished() const
    {
        // protection: slow-end
        // protection: hanging-end
        return unfinished_ || workers_.busy() || commits_.busy();
    }

private:
    Service ftp()
    {
        return {.connect =
                    [this](Reactor& reactor, UniqueFd socket, const ipc::PeerAddress& peer, ConnectionId id) {
                        return std::make_unique<Connection>(reactor, contexts_, std::move(socket), peer, id);
                    },
                .server_is_full = "421 The server is full; try again later.\r\n"};
    }

    // Does `work(context)` on the thread of each reactor.
    template <class Work>
    void in_each_context(Work work)
    {
        reactors_.on_each([this, work](const Reactor& reactor) { work(contexts_[reactor.index()]); });
    }

    void obey(ipc::Packet packet)
    {
        const auto order = ipc::decode_order(packet.bytes);
        if (!order || std::holds_alternative<ipc::Stop>(*order)) return begin_to_stop();
        if (const auto* configure = std::get_if<ipc::Configure>(&*order)) reconfigure(*configure);
        if (std::holds_alternative<ipc::Ping>(*order)) report(ipc::Alive{});
        const auto* connect = std::get_if<ipc::Connect>(&*order);
        if (connect == nullptr) return;
        if (packet.descriptors.size() != 1) return report(ipc::ChannelLost{connect->number});
        auth_.connect(std::move(packet.descriptors.front()));
        channel_number_ = connect->number;
    }

    void reconfigure(const ipc::Configure& configure)
    {
        try {
            settings_ = parse_configured(configure);
            const TlsContext tls = make_tls_context(configure.certificate_pem, view(configure.key_pem));
            in_each_context([settings = settings_, tls](ReactorContext& context) {
                const bool was_durable = context.settings.durability == Durability::group;
                context.settings = settings;
                context.tls = tls;
                if (!was_durable) context.server.sync.doubt_all();
            });
            admission_.set_bounds(admission_bounds(settings_));
            set_busy_poll();
            commits_.set_most_parents(settings_.sync_parents);
            tree_.set_directory_mode(settings_.directory_mode);
            workers_.set_most_threads(settings_.tree_workers);
            report_ready();
        } catch (const std::exception& error) {
            report(ipc::Failed{error.what()});
        }
    }

    void set_busy_poll()
    {
        reactors_.on_each([most = std::chrono::microseconds{settings_.busy_poll}](Reactor& reactor) {
            reactor.loop().set_busy_poll(most);
        });
    }

    void report_ready() { report(ipc::Ready{0, lockdown_.in_force, lockdown_.missing}); }

    void report(const ipc::Report& what) { control_.send(ipc::encode(what)); }

    void begin_to_stop()
    {
        if (!std::exchange(stopping_, true)) asio::co_spawn(io_, stop(), asio::detached);
    }

    // The C library keeps what is freed for the next one; after a flood that may be much.
    asio::awaitable<void> give_memory_back()
    {
        asio::steady_timer timer{io_};
        std::size_t most = 0; // connections, since memory was given back
        while (true) {
            timer.expires_after(memory_interval);
            co_await timer.async_wait(use_awaitable);
            most = std::max(most, admission_.take_most_connections());
            if (most < 2 * reactors_.connections() + few_connections) continue;
            ::malloc_trim(0);
            most = 0;
        }
    }

    asio::awaitable<void> stop()
    {
        listener_.stop();
        passive_ports_.stop();
        reactors_.on_each([](const Reactor& reactor) {
            for (const auto& [id, connection] : reactor.served())
                connection->end("The server is shutting down.");
        });
        const auto deadline = std::chrono::steady_clock::now() + stop_time;
        asio::steady_timer timer{io_};
        while (reactors_.connections() > 0 && std::chrono::steady_clock::now() < deadline) {
            timer.expires_after(std::chrono::milliseconds{10});
            co_await timer.async_wait(use_awaitable);
            reactors_.on_each(end_those_overdue);
        }
        const bool all_gone = reactors_.connections() == 0;
        unfinished_ = !reactors_.stop() || !all_gone;
        io_.stop();
    }

    // Clients wait in the queue of the socket until FEAT can name the realm. If auth does not come, they are
    // told so.
    asio::awaitable<void> listen_soon()
    {
        realm_wait_.expires_after(longest_realm_wait);
        co_await realm_wait_.async_wait(use_awaitable);
        if (stopping_) co_return;
        listener_.start();
        passive_ports_.start();
    }

    // To each reactor a copy, which nobody changes while a session announces it.
    void on_realm(const std::string& realm)
    {
        realm_wait_.cancel();
        in_each_context([realm](ReactorContext& context) { context.realm = realm; });
    }

    void on_revoked(const ipc::LoginHandle& login)
    {
        in_each_context([login](const ReactorContext& context) {
            const auto found = context.logins.find(login);
            // protection: revoked
            if (found != context.logins.end()) found->second->end("This account was changed; log in again.");
        });
    }

    void on_limit_changed(const ipc::LimitChanged& change)
    {
        in_each_context([change](const ReactorContext& context) {
            const auto found = context.logins.find(change.login);
            if (found != context.logins.end()) found->second->set_max_dirs(change.max_dirs);
        });
    }

    // Without auth nobody could tell these connections that their user has been locked. If it lives, the
    // supervisor makes another channel to it.
    void on_auth_lost()
    {
        // protection: lost-channel
        report(ipc::ChannelLost{channel_number_});
        in_each_context([](const ReactorContext& context) {
            for (const auto& [login, connection] : context.logins)
                connection->end("The login service was restarted; log in again.");
        });
    }

    Lockdown lockdown_;
    Settings settings_;
    asio::io_context io_{1}; // of the orders, of auth and of the listener; connections are the reactors'
    asio::steady_timer realm_wait_{io_};
    ipc::Endpoint control_;
    std::uint32_t channel_number_ = 0; // of that to auth
    Tree tree_;
    Workers workers_;
    TreeSync sync_;
    CommitQueue commits_;
    AuthClient auth_;
    Admission admission_;
    Homes homes_;
    LogBounds log_bounds_;
    PassivePorts passive_ports_;
    TransferBounds transfers_;
    std::vector<ReactorContext> contexts_; // one for each reactor; outlives the connections, which use it
    Reactors reactors_;
    Listener listener_;
    bool stopping_ = false;
    bool unfinished_ = false;
};

} // namespace

int run_net_process()
{
    set_log_name("ftpcd[net]");
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    ::umask(0); // the setting directory-mode says it all
    // That of the process is closed when it cannot be built.
    UniqueFd channel{::fcntl(ipc::control_descriptor, F_DUPFD_CLOEXEC, 0)};
    try {
        harden_process();
        Start start = receive_start();
        // protection: addresses-at-the-end
        close_at_parent_death(start.sockets);
        close_at_parent_death(start.passive_sockets);
        if (!use_time_zone(start.settings.time_zone))
            throw std::runtime_error{"time-zone: there is no zone '" + start.settings.time_zone + "'"};
        // Before the first thread, the commit queue's.
        Lockdown lockdown = lock_down(Locked::net, start.settings, start.root.get());
        NetProcess process{std::move(start), std::move(lockdown)};
        channel.reset();
        process.run();
        // Threads that did not end in time are not waited for, not even to be taken apart.
        if (process.has_unfinished()) ::_exit(EXIT_SUCCESS);
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        const int open = channel ? channel.get() : ipc::control_descriptor;
        (void)ipc::send_packet(open, ipc::encode(ipc::Report{ipc::Failed{error.what()}}));
        return EXIT_FAILURE;
    }
}

} // namespace ftpc::server
