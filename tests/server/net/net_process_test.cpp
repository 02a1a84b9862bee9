// The process net as the supervisor and its clients see it. The test is the supervisor, auth and the clients.
#include "server/net/net_process.hpp"

#include "server/config/settings.hpp"
#include "server/ipc/channel.hpp"
#include "server/ipc/control.hpp"
#include "server/ipc/messages.hpp"
#include "server/supervisor/child_process.hpp"
#include "support/catch.hpp"
#include "support/loopback.hpp"
#include "support/matchers.hpp"
#include "support/own_certificate.hpp"
#include "support/tls_peer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct NetProcessTest {
    test::OwnCertificate own;
    test::TemporaryDirectory tree;
    UniqueFd root{::open(tree.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    UniqueFd listening = test::listening_socket();
    UniqueFd program = open_own_program();
    // Runs the test "process-net".
    ChildProcess net{program.get(), "net", "process-net", {}};
    bool ended = false;

    NetProcessTest() = default;
    NetProcessTest(const NetProcessTest&) = delete;
    NetProcessTest& operator=(const NetProcessTest&) = delete;
    ~NetProcessTest()
    {
        if (ended) return;
        ::kill(net.pid(), SIGKILL);
        ::waitpid(net.pid(), nullptr, 0);
    }

    void order(const ipc::Order& what, const std::vector<int>& descriptors = {}) const
    {
        net.send(what, descriptors);
    }
    ipc::Configure configuration() const
    {
        Settings settings;
        settings.lockdown = LockdownMode::off; // which has tests of its own
        settings.reactors = 1;
        const std::string key = own.key();
        return {settings_text(settings), own.certificate(), SecretText{key.begin(), key.end()}, {}, 1};
    }
    ipc::Report report() const
    {
        pollfd waiting{net.control(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, 10000) == 1);
        const auto packet = ipc::receive_packet(net.control(), ipc::max_control_bytes);
        REQUIRE(packet);
        return ipc::decode_report(packet->bytes).value();
    }
    std::string reason_of_failure() const { return std::get<ipc::Failed>(report()).reason; }

    // Gives it a channel to auth, and auth's realm.
    UniqueFd start(std::uint32_t channel_number = 1) const
    {
        order(configuration(), {root.get(), listening.get()});
        REQUIRE(std::holds_alternative<ipc::Ready>(report()));
        return connect_auth(channel_number);
    }
    UniqueFd connect_auth(std::uint32_t channel_number) const
    {
        auto ends = ipc::make_channel();
        order(ipc::Connect{channel_number}, {ends.second.get()});
        REQUIRE(ipc::send_packet(ends.first.get(), ipc::encode(ipc::Answer{ipc::RealmIs{realm}})));
        return std::move(ends.first);
    }
    test::TlsPeer client() const { return test::TlsPeer{test::connected_to(listening.get())}; }
    int exit_status()
    {
        int status = 0;
        REQUIRE(::waitpid(net.pid(), &status, 0) == net.pid());
        ended = true;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    static inline const std::string realm = "00112233445566778899aabbccddeeff";
};

} // namespace

TEST_CASE("process-net", "[.]")
{
    ::_exit(run_net_process());
}

TEST_CASE_METHOD(NetProcessTest, "net greets clients once it is configured, and ends when it is told to")
{
    const UniqueFd auth = start();
    test::TlsPeer one = client();
    CHECK_THAT(one.line(), test::starts_with("220 "));
    order(ipc::Stop{});
    CHECK(one.line() == "421 The server is shutting down.");
    one = client(); // the socket is the supervisor's: net has only left it
    CHECK(exit_status() == 0);
}

TEST_CASE_METHOD(NetProcessTest, "net names the realm of the auth that it was given last")
{
    const UniqueFd auth = start();
    test::TlsPeer one = client();
    one.line();
    one.write("AUTH TLS\r\n");
    CHECK_THAT(one.line(), test::starts_with("234"));
    one.start_tls();
    one.write("FEAT\r\n");
    std::string features;
    for (std::string line = one.line(); line.substr(0, 4) != "211 " && line != "(end)"; line = one.line())
        features += line + "\n";
    CHECK_THAT(features, test::contains("SITE REALM " + realm));
}

TEST_CASE_METHOD(NetProcessTest, "net answers a ping, and says which channel to auth has ended")
{
    UniqueFd auth = start(7);
    order(ipc::Ping{});
    CHECK(std::holds_alternative<ipc::Alive>(report()));
    auth.reset();
    CHECK(std::get<ipc::ChannelLost>(report()).number == 7);
}

TEST_CASE_METHOD(NetProcessTest, "net goes on as before if a reload cannot be put into force")
{
    const UniqueFd auth = start();
    ipc::Configure broken = configuration();
    broken.certificate_pem = "no certificate";
    order(broken);
    CHECK_FALSE(reason_of_failure().empty());
    test::TlsPeer one = client();
    CHECK_THAT(one.line(), test::starts_with("220 "));
    order(configuration());
    CHECK(std::holds_alternative<ipc::Ready>(report()));
}

TEST_CASE_METHOD(NetProcessTest, "net does not start with a broken certificate, and says why")
{
    ipc::Configure broken = configuration();
    broken.certificate_pem = "no certificate";
    order(broken, {root.get(), listening.get()});
    CHECK_FALSE(reason_of_failure().empty());
    CHECK(exit_status() == 1);
}

TEST_CASE_METHOD(NetProcessTest, "net does not start without a configuration")
{
    order(ipc::Ping{});
    CHECK_THAT(reason_of_failure(), test::contains("not a configuration"));
    CHECK(exit_status() == 1);
}
