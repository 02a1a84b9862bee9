#include "server/auth/auth_service.hpp"

#include "server/auth/login/held_logins.hpp"
#include "server/auth/request_handler.hpp"
#include "server/auth/state/login_keeper.hpp"
#include "server/auth/state/session_key_writer.hpp"
#include "server/auth/users_reader.hpp"
#include "server/ipc/control.hpp"
#include "server/ipc/endpoint.hpp"
#include "server/lockdown/lockdown.hpp"
#include "server/log/log.hpp"
#include "server/users/users_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace ftpc::server {

namespace asio = boost::asio;

namespace {

void log_problems(std::string_view event, const std::vector<Problem>& problems)
{
    for (const Problem& problem : problems)
        log_event(event, {{"where", problem.where}, {"reason", problem.what}});
}

// The state that lasts as long as the process, once the first Configure is in force.
struct Stores {
    Stores(UniqueFd directory, const std::string& data_path)
        : data{std::move(directory)}, users{data.get(), data_path}, session_keys{data.get()}
    {}
    UniqueFd data;
    UsersFile users;
    SessionKeys session_keys;
};

class AuthService {
public:
    explicit AuthService(UniqueFd control)
        : control_{loop_,
                   std::move(control),
                   ipc::max_control_bytes,
                   {.on_packet = [this](ipc::Packet packet) { take_order(std::move(packet)); },
                    .on_closed = [this](std::string_view) { finish(EXIT_SUCCESS); }}}
    {}

    int serve()
    {
        loop_.run();
        return exit_status_;
    }

private:
    void take_order(ipc::Packet packet)
    {
        auto order = ipc::decode_order(packet.bytes);
        if (!order) return give_up("the supervisor's order is not understood");
        if (auto* configure = std::get_if<ipc::Configure>(&*order))
            return take_configuration(*configure, std::move(packet.descriptors));
        if (const auto* connect = std::get_if<ipc::Connect>(&*order))
            return connect_to_net(connect->number, std::move(packet.descriptors));
        if (std::holds_alternative<ipc::Ping>(*order)) return report(ipc::Alive{});
        finish(EXIT_SUCCESS);
    }

    // ---- settings and users

    // There may be no thread, or no memory for one.
    void take_configuration(ipc::Configure& order, std::vector<UniqueFd> descriptors)
    {
        try {
            configure_with(order, std::move(descriptors));
        } catch (const std::exception& error) {
            report(ipc::Failed{error.what()});
            if (!hash_queue_) finish(EXIT_FAILURE);
        }
    }

    void configure_with(ipc::Configure& order, std::vector<UniqueFd> descriptors)
    {
        std::vector<Problem> problems;
        Settings settings;
        apply_settings(settings, parse_settings_text(order.settings, "settings", problems), problems);
        const bool first = !stores_;
        if (first && descriptors.size() != 1) return give_up("the first order has no data directory");
        if (problems.empty()) set_log_format(settings.log_format);
        if (problems.empty())
            problems = first ? open_stores(settings, std::move(descriptors[0])) : read_users();
        if (!problems.empty()) return report_failure(problems);
        put_in_force(settings, std::move(order.pepper));
        report(ipc::Ready{stores_->users.size(), lockdown_.in_force, lockdown_.missing});
    }

    std::vector<Problem> open_stores(const Settings& settings, UniqueFd data)
    {
        auto stores = std::make_unique<Stores>(std::move(data), settings.data);
        if (const auto made = ensure_users_file(stores->data.get()); !made)
            return {{users_file_name, "cannot be made: " + made.error().message()}};
        auto problems = stores->users.load_within(start_patience);
        if (problems.empty()) problems = load_keys(stores->session_keys);
        if (!problems.empty()) return problems;
        reader_.emplace(loop_, stores->users, [this] { users_changed(); });
        reader_->watch(stores->data.get()); // finds the directory through /proc
        if (auto refused = lock_down_to(stores->data.get(), settings); !refused.empty()) return refused;
        reader_->look_regularly(stores->data.get());
        stores_ = std::move(stores);
        set_limits(settings); // they bound the state that is restored
        keeper_.emplace(loop_, stores_->data.get(), services_.history, services_.limiter);
        key_writer_.emplace(stores_->session_keys);
        return read_users(); // it may have been read although somebody was writing it
    }

    static std::vector<Problem> load_keys(SessionKeys& keys)
    {
        auto loaded = keys.load();
        if (loaded.set_aside.empty()) return std::move(loaded.problems);
        for (const Problem& problem : loaded.problems)
            log_event("session-keys-set-aside", {{"as", loaded.set_aside},
                                                 {"where", problem.where},
                                                 {"reason", problem.what},
                                                 {"effect", "users log in again with their passwords"}});
        return {};
    }

    // Before the first thread, a worker of the hash queue.
    std::vector<Problem> lock_down_to(int data, const Settings& settings)
    {
        try {
            lockdown_ = lock_down(Locked::auth, settings, data);
            return {};
        } catch (const std::runtime_error& error) {
            return {{"auth", error.what()}};
        }
    }

    void put_in_force(const Settings& settings, SecretText pepper)
    {
        if (hash_queue_)
            hash_queue_->resize(settings.hash_workers, settings.hash_queue);
        else
            hash_queue_.emplace(settings.hash_workers, settings.hash_queue);
        if (!services_.users) {
            services_.users = &stores_->users;
            services_.session_keys = &stores_->session_keys;
            services_.change_session_keys = [this](KeyChange change) {
                key_writer_->submit(std::move(change));
            };
            services_.hash_queue = &*hash_queue_;
            services_.run_on_loop = [this](std::function<void()> work) {
                asio::post(loop_, std::move(work));
            };
            services_.users_changed = [this] { reader_->follow(); };
            services_.hold = [this](std::chrono::milliseconds delay, HashJob job) {
                held_.hold(delay, std::move(job));
            };
            services_.history_changed = [this] { keeper_->changed(); };
        }
        set_limits(settings);
        services_.session_ttl = settings.session_ttl;
        stores_->session_keys.set_ttl(settings.session_ttl);
        services_.authenticator = std::make_unique<Authenticator>(
            stores_->users, settings.scrypt, std::make_shared<const Pepper>(std::move(pepper)));
    }

    void set_limits(const Settings& settings)
    {
        services_.limiter.set_limits(
            {settings.login_limit_address, settings.login_limit_account, settings.login_limit_forget});
    }

    // Once users.db is complete, which may be later.
    std::vector<Problem> read_users()
    {
        auto problems = reader_->read();
        if (const auto reason = reader_->waits_for(); !reason.empty())
            log_event("users-read-later", {{"reason", reason}, {"effect", "the users stay until that ends"}});
        return problems;
    }

    // Forgets removed users, and ends logins that are no longer valid.
    void users_changed()
    {
        if (services_.history.forget_those_gone(stores_->users, services_.now())) keeper_->changed();
        if (request_handler_) request_handler_->users_changed();
        if (request_handler_) channel_->fill();
    }

    // ---- net

    void connect_to_net(std::uint32_t number, std::vector<UniqueFd> descriptors)
    {
        if (!stores_) return give_up("a channel came before the settings");
        if (descriptors.size() != 1) return report(ipc::ChannelLost{number}); // no descriptor was left
        disconnect();
        channel_number_ = number;
        channel_.emplace(
            loop_, std::move(descriptors[0]), ipc::max_message_bytes,
            ipc::Endpoint::Events{.on_packet = [this](const ipc::Packet& packet) { take_request(packet); },
                                  .on_closed = [this](std::string_view why) { lose_channel(why); },
                                  .on_room = [this] { request_handler_->tell_next(); }},
            most_unsent_answers);
        request_handler_ = std::make_shared<RequestHandler>(
            services_, [this](const ipc::Answer& answer) { channel_->send(ipc::encode(answer)); });
        request_handler_->begin();
    }

    void take_request(const ipc::Packet& packet)
    {
        auto request = ipc::decode_request(packet.bytes);
        if (!request || !packet.descriptors.empty()) return lose_channel("it sent a malformed request");
        request_handler_->handle(std::move(*request));
    }

    // Perhaps net is gone, or both are well and get another channel: the supervisor knows.
    void lose_channel(std::string_view why)
    {
        if (!why.empty()) log_event("channel-closed", {{"reason", why}});
        disconnect();
        // protection: lost-channel-of-auth
        report(ipc::ChannelLost{channel_number_});
    }

    // All logins of the channel end with it.
    void disconnect()
    {
        request_handler_.reset();
        channel_.reset();
    }

    // ---- the supervisor

    void report(const ipc::Report& message) { control_.send(ipc::encode(message)); }

    void report_failure(const std::vector<Problem>& problems)
    {
        log_problems("not-configured", problems);
        report(ipc::Failed{problems_text(problems, "\n")});
        if (!stores_) finish(EXIT_FAILURE);
    }

    void give_up(std::string_view reason)
    {
        log_event("gave-up", {{"reason", reason}});
        finish(EXIT_FAILURE);
    }

    void finish(int exit_status)
    {
        exit_status_ = exit_status;
        loop_.stop();
    }

    // How long a start waits for writers of users.db.
    static constexpr std::chrono::seconds start_patience{1};
    // How many logins wait at most because many have failed at their account.
    static constexpr std::size_t max_held_logins = 1024;
    // No further request is read while so many answers wait for net to read them.
    static constexpr std::size_t most_unsent_answers = 256;

    asio::io_context loop_{1};
    ipc::Endpoint control_;
    Lockdown lockdown_;
    std::unique_ptr<Stores> stores_;
    AuthServices services_;
    HeldLogins held_{loop_, max_held_logins};
    std::optional<LoginKeeper> keeper_;
    std::optional<SessionKeyWriter> key_writer_;
    std::optional<UsersReader> reader_;
    std::optional<ipc::Endpoint> channel_;
    std::uint32_t channel_number_ = 0;
    std::shared_ptr<RequestHandler> request_handler_;
    int exit_status_ = EXIT_SUCCESS;
    // Last, so that its workers have ended before anything that they use is gone.
    std::optional<HashQueue> hash_queue_;
};

} // namespace

int serve_auth(UniqueFd control)
{
    return AuthService{std::move(control)}.serve();
}

} // namespace ftpc::server
