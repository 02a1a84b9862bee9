// One connection on a reactor of its own, over a pair of sockets. The test is its client, and a thread of the
// test is auth.
#pragma once

#include "server/ftp/connection.hpp"
#include "server/ipc/channel.hpp"
#include "server/storage/tree_fixture.hpp"
#include "support/own_certificate.hpp"
#include "support/time_scale.hpp"
#include "support/tls_peer.hpp"

#include <boost/asio.hpp>

#include <sys/socket.h>

#include <array>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ftpc::test {

// Answers like auth, and keeps the questions.
class FakeAuth {
public:
    // None: no answer.
    using Answers = std::function<std::optional<server::ipc::Answer>(const server::ipc::Request&)>;

    FakeAuth(UniqueFd channel, Answers answers)
        : channel_{std::move(channel)}, answers_{std::move(answers)}, thread_{[this] { run(); }}
    {}
    ~FakeAuth()
    {
        end();
        thread_.join();
    }

    void end() { ::shutdown(channel_.get(), SHUT_RDWR); }
    void say(const server::ipc::Answer& answer)
    {
        (void)server::ipc::send_packet(channel_.get(), server::ipc::encode(answer));
    }

    // Waits for a request of that kind; throws if none comes.
    template <class Request>
    Request wait_for()
    {
        std::unique_lock lock{mutex_};
        std::optional<Request> found;
        const bool came = changed_.wait_for(lock, patience(), [&] {
            for (const auto& request : asked_)
                if (const auto* wanted = std::get_if<Request>(&request)) found = *wanted;
            return found.has_value();
        });
        if (!came) throw std::runtime_error{"auth was not asked that"};
        return *found;
    }

private:
    void run()
    {
        while (true) {
            const auto packet = server::ipc::receive_packet(channel_.get(), server::ipc::max_message_bytes);
            if (!packet || packet->bytes.empty()) return;
            auto request = server::ipc::decode_request(packet->bytes).value();
            if (const auto answer = answers_(request)) say(*answer);
            const std::scoped_lock lock{mutex_};
            asked_.push_back(std::move(request));
            changed_.notify_all();
        }
    }

    UniqueFd channel_;
    Answers answers_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<server::ipc::Request> asked_;
    std::thread thread_;
};

struct ConnectionFixture : TreeFixture {
    static constexpr server::ipc::LoginHandle login{7};

    OwnCertificate own;
    server::Settings settings;
    server::Tree its_tree = tree();
    server::TreeSync sync{its_tree.share_root()};
    server::CommitQueue commits{sync, 8};
    server::Workers workers{4};
    server::Admission admission{
        {.connections = 10, .connections_per_address = 10, .unauthenticated = 10, .sessions_per_user = 1}};
    server::Homes homes;
    server::LogBounds bounds;
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep{io.get_executor()};
    server::AuthClient auth_client{io,
                                   {.on_realm = [](const std::string&) {},
                                    .on_revoked = [](const server::ipc::LoginHandle&) {},
                                    .on_limit_changed = [](const server::ipc::LimitChanged&) {},
                                    .on_lost = [] {}}};
    server::PassivePorts passive_ports{io, {}, bounds};
    server::TransferBounds transfers;
    server::ReactorContext context{
        {its_tree, sync, commits, auth_client, workers, admission, homes, passive_ports, transfers},
        settings,
        server::make_tls_context(own.certificate(), own.key())};
    std::unique_ptr<server::Reactors> reactors = std::make_unique<server::Reactors>(1, admission, bounds);
    std::unique_ptr<FakeAuth> auth;
    std::thread main_loop;
    server::Reactor* reactor = &reactors->least_busy();

    ConnectionFixture()
    {
        std::signal(SIGPIPE, SIG_IGN); // as ftpcd does
        auto ends = server::ipc::make_channel();
        auth = std::make_unique<FakeAuth>(std::move(ends.first), [this](const auto& asked) {
            const std::scoped_lock lock{mutex};
            return answers(asked);
        });
        auth_client.connect(std::move(ends.second));
        main_loop = std::thread{[this] { io.run(); }};
    }
    ~ConnectionFixture()
    {
        on_reactor([](server::Reactor& on) {
            for (const auto& [id, connection] : on.served())
                connection->end_at_once("The test is over.");
        });
        const auto end = std::chrono::steady_clock::now() + patience();
        while (reactors->connections() > 0 && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        io.stop();
        main_loop.join(); // it posts to the reactors
        reactors.reset();
        auth.reset();
    }

    // The answers of auth; the test may change them under `mutex`.
    std::mutex mutex;
    FakeAuth::Answers answers = [](const server::ipc::Request& asked) { return usual(asked); };

    // "right" is the password of everybody.
    static std::optional<server::ipc::Answer> usual(const server::ipc::Request& asked)
    {
        using namespace server::ipc;
        const auto* by_password = std::get_if<LogInWithPassword>(&asked);
        if (by_password == nullptr) return std::nullopt;
        if (view(by_password->password) != "right")
            return LoginAnswer{.id = by_password->id, .status = LoginStatus::refused, .home = {}};
        return granted(by_password->id);
    }
    static server::ipc::LoginAnswer granted(server::ipc::RequestId id)
    {
        return {.id = id, .status = server::ipc::LoginStatus::granted, .login = login, .home = "alice"};
    }

    // Waits until it is done.
    void on_reactor(const std::function<void(server::Reactor&)>& work)
    {
        std::promise<void> done;
        reactor->post([&] {
            work(*reactor);
            done.set_value();
        });
        done.get_future().wait();
    }

    // A client in clear, which has read the greeting.
    TlsPeer connected()
    {
        std::array<int, 2> both{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) != 0)
            throw std::runtime_error{"no pair of sockets"};
        const auto id = reactors->next_id();
        const server::ipc::PeerAddress peer{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 7};
        admission.arrive(id, server::network_of(peer));
        reactor->serve(std::make_unique<server::Connection>(*reactor, std::span{&context, 1},
                                                            UniqueFd{both[1]}, peer, id),
                       id);
        TlsPeer client{UniqueFd{both[0]}};
        client.line();
        return client;
    }
    TlsPeer with_tls()
    {
        TlsPeer client = connected();
        ask(client, "AUTH TLS");
        client.start_tls();
        return client;
    }
    TlsPeer logged_in()
    {
        TlsPeer client = with_tls();
        ask(client, "USER alice");
        if (ask(client, "PASS right") != "230 Logged in.") throw std::runtime_error{"no login"};
        return client;
    }
    static std::string ask(TlsPeer& client, const std::string& command)
    {
        client.write(command + "\r\n");
        return client.line();
    }
};

} // namespace ftpc::test
