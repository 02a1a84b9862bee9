// Another protocol than FTP on the transport: a few lines are a service over TLS, on a port of its own.
#include "server/transport/listener.hpp"
#include "server/transport/tls/stream.hpp"
#include "server/transport/tls/tls_context.hpp"

#include "support/catch.hpp"
#include "support/loopback.hpp"
#include "support/own_certificate.hpp"
#include "support/tls_peer.hpp"

#include <boost/asio.hpp>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

// The protocol: all bytes are sent back.
class Echo final : public ServedConnection {
public:
    Echo(Reactor& reactor, UniqueFd socket, const ipc::PeerAddress& peer, TlsContext tls)
        : stream_{reactor.loop(), std::move(socket)}, peer_{peer}, tls_{std::move(tls)}
    {}
    boost::asio::awaitable<Reactor*> run() override
    {
        std::array<char, 1024> buffer{};
        if (co_await stream_.start_tls(tls_)) co_return nullptr;
        while (const auto got = co_await stream_.read_some(buffer))
            co_await stream_.write_all({buffer.data(), *got});
        co_return nullptr;
    }
    void end(std::string_view) override { stream_.cancel(); }
    void end_at_once(std::string_view) override { stream_.cancel(); }
    void end_if_overdue(Clock::time_point) override {}
    const ipc::PeerAddress& peer() const override { return peer_; }

private:
    Stream stream_;
    ipc::PeerAddress peer_;
    TlsContext tls_;
};

struct EchoTest {
    test::OwnCertificate own;
    TlsContext tls = make_tls_context(own.certificate(), own.key());
    Admission admission{
        {.connections = 2, .connections_per_address = 2, .unauthenticated = 2, .sessions_per_user = 2}};
    LogBounds bounds;
    Reactors reactors{2, admission, bounds};
    boost::asio::io_context io{1};
    UniqueFd socket = test::listening_socket();
    std::unique_ptr<Listener> listener;
    std::thread accepting;

    EchoTest()
    {
        std::signal(SIGPIPE, SIG_IGN); // as ftpcd does
        std::vector<UniqueFd> sockets;
        sockets.emplace_back(::dup(socket.get()));
        Service echo{
            .connect =
                [this](Reactor& reactor, UniqueFd client, const ipc::PeerAddress& peer, ConnectionId) {
                    return std::make_unique<Echo>(reactor, std::move(client), peer, tls);
                },
            .server_is_full = "full\n"};
        listener = std::make_unique<Listener>(io, Listener::Parts{.service = std::move(echo),
                                                                  .sockets = std::move(sockets),
                                                                  .reactors = reactors,
                                                                  .admission = admission,
                                                                  .log_bounds = bounds,
                                                                  .any_descriptor = socket.get(),
                                                                  .descriptors = 1000});
        listener->start();
        accepting = std::thread{[this] { io.run(); }};
    }
    ~EchoTest()
    {
        io.stop();
        accepting.join();
        reactors.stop();
    }
    test::TlsPeer client() const { return test::TlsPeer{test::connected_to(socket.get())}; }
};

} // namespace

TEST_CASE_METHOD(EchoTest, "a protocol of a few lines is served over TLS to several clients at once")
{
    test::TlsPeer one = client();
    test::TlsPeer other = client();
    one.start_tls();
    other.start_tls();
    one.write("to one");
    other.write("and to the other");
    CHECK(other.bytes(16) == "and to the other");
    CHECK(one.bytes(6) == "to one");
}

TEST_CASE_METHOD(EchoTest, "its connections are bounded like those of any service, and a place is free again")
{
    std::vector<test::TlsPeer> clients;
    for (int i = 0; i < 20; ++i) { // one too many has to go each time, old or new
        clients.push_back(client());
        try {
            clients.back().start_tls();
        } catch (const std::exception&) { // the lot fell on this one
        }
    }
    clients.clear();
    test::TlsPeer last = client();
    bool served = false;
    for (int tries = 0; tries < 100 && !served; ++tries) { // those that went may not have left yet
        try {
            last = client();
            last.start_tls();
            served = true;
        } catch (const std::exception&) {
        }
    }
    last.write("still here");
    CHECK(last.bytes(10) == "still here");
}
