// Children of the supervisor, played by this program. A child named "double" runs the test "process-double":
// it speaks the control channel and follows the settings that it is given.
#include "server/supervisor/child.hpp"

#include "server/ipc/channel.hpp"
#include "server/supervisor/announcement.hpp"
#include "server/supervisor/auth_channel.hpp"
#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>

using namespace ftpc;
using namespace ftpc::server;
using namespace std::chrono_literals;

namespace {

void report(const ipc::Report& what)
{
    (void)ipc::send_packet(ipc::control_descriptor, ipc::encode(what));
}

// Reports the number of each channel that it is given as lost, so that a test sees it.
void obey_orders()
{
    while (const auto packet = ipc::receive_packet(ipc::control_descriptor, ipc::max_control_bytes)) {
        const auto order = ipc::decode_order(packet->bytes);
        if (!order) ::_exit(9);
        if (const auto* connect = std::get_if<ipc::Connect>(&*order))
            report(ipc::ChannelLost{packet->descriptors.size() == 1 ? connect->number : 0});
        if (std::holds_alternative<ipc::Ping>(*order)) report(ipc::Alive{});
        if (std::holds_alternative<ipc::Stop>(*order)) ::_exit(0);
    }
}

struct ChildTest {
    ChildTest() { ::sigprocmask(SIG_SETMASK, nullptr, &before); }
    ChildTest(const ChildTest&) = delete;
    ChildTest& operator=(const ChildTest&) = delete;
    ~ChildTest()
    {
        for (Child* each : {&child, &other})
            if (each->runs()) {
                each->kill();
                ::waitpid(each->pid(), nullptr, 0);
            }
        signals.take();
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
    }

    void start(Child& which, const std::string& behaviour) const
    {
        which.start(program.get(), ipc::Configure{behaviour, {}, {}, {}}, {});
    }
    void start_ready(Child& which)
    {
        start(which, "ready");
        REQUIRE(which.await_ready(signals));
    }
    static std::optional<ipc::Report> hear(Child& which)
    {
        pollfd waiting{which.control(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, 10000) == 1);
        return which.receive();
    }
    static std::uint32_t hear_channel(Child& which)
    {
        const auto report = hear(which);
        REQUIRE(report);
        REQUIRE(std::holds_alternative<ipc::ChannelLost>(*report));
        return std::get<ipc::ChannelLost>(*report).number;
    }
    // Until the process has ended and its status was taken.
    void await_end(Child& which)
    {
        for (int i = 0; i < 100 && which.runs(); ++i) {
            pollfd waiting{signals.descriptor(), POLLIN, 0};
            REQUIRE(::poll(&waiting, 1, 10000) == 1);
            signals.take();
            which.reap();
        }
        REQUIRE_FALSE(which.runs());
    }
    std::string reason_of_failure(const std::string& behaviour)
    {
        start(child, behaviour);
        try {
            child.await_ready(signals);
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "none";
    }

    sigset_t before{};
    UniqueFd program = open_own_program();
    Child child{{.name = "double", .user = {}}};
    Child other{{.name = "double", .user = {}}};
    Signals signals;
};

} // namespace

TEST_CASE("process-double", "[.]")
{
    const auto packet = ipc::receive_packet(ipc::control_descriptor, ipc::max_control_bytes);
    const auto order = ipc::decode_order(packet->bytes);
    const std::string behaviour = std::get<ipc::Configure>(*order).settings;
    if (behaviour == "fail") report(ipc::Failed{"the tree is not there"});
    if (behaviour == "die") ::_exit(7);
    report(ipc::Ready{3, behaviour, ""});
    if (behaviour == "silent") ::pause();
    if (behaviour == "hang up") ::close(ipc::control_descriptor);
    obey_orders();
    ::pause();
}

TEST_CASE_METHOD(ChildTest, "a child serves once it has reported that it is ready")
{
    start(child, "ready");
    CHECK_FALSE(child.serves());
    CHECK(child.await_ready(signals));
    CHECK(child.serves());
    CHECK(child.first_report().users == 3);
}

TEST_CASE_METHOD(ChildTest, "a first start that fails says the child's reason")
{
    CHECK(reason_of_failure("fail") == "the tree is not there");
}

TEST_CASE_METHOD(ChildTest, "a first start that ends without a report says so")
{
    CHECK(reason_of_failure("die") == "the process double ended while it was starting");
}

TEST_CASE_METHOD(ChildTest, "SIGTERM ends the wait for a child that does not become ready")
{
    child.start(program.get(), ipc::Configure{"ready", {}, {}, {}}, {});
    ::kill(child.pid(), SIGSTOP);
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    CHECK_FALSE(child.await_ready(signals));
}

TEST_CASE_METHOD(ChildTest, "a child that dies is due again soon, and can be started again")
{
    start_ready(child);
    const test::CapturedLog log;
    ::kill(child.pid(), SIGKILL);
    await_end(child);
    CHECK_THAT(log.text(), test::contains("child-ended"));
    CHECK_THAT(log.text(), test::contains("signal 9"));
    CHECK_FALSE(child.serves());
    CHECK(child.restart_at() <= Child::Clock::now() + RestartPause::longest_of_serving);
    start_ready(child);
    CHECK(child.serves());
}

TEST_CASE_METHOD(ChildTest, "a child that answers is let live, one that is silent is killed")
{
    start_ready(child);
    start(other, "silent");
    REQUIRE(other.await_ready(signals));
    const test::CapturedLog log;
    constexpr int looks = Heartbeat::longest_silence / Heartbeat::interval + 2;
    int asked = 0;
    for (int i = 0; i < looks; ++i) { // each a quarter of a second in the supervisor
        CHECK_FALSE(child.look());
        hear(child); // that it is alive
        if (log.text().find("child-silent") == std::string::npos) CHECK_FALSE(other.look());
        ++asked;
    }
    CHECK(asked == looks);
    CHECK_THAT(log.text(), test::contains("child-silent"));
    await_end(other);
    CHECK(child.serves());
}

TEST_CASE_METHOD(ChildTest, "a child whose control channel ends serves no longer and is killed")
{
    start(child, "hang up");
    REQUIRE(child.await_ready(signals));
    CHECK_FALSE(hear(child));
    CHECK_FALSE(child.serves());
    await_end(child);
}

TEST_CASE_METHOD(ChildTest, "a child that is told to stop ends by itself")
{
    start_ready(child);
    const pid_t pid = child.pid();
    child.stop(signals);
    CHECK_FALSE(child.runs());
    CHECK(::kill(pid, 0) == -1);
}

TEST_CASE_METHOD(ChildTest, "a second signal to stop does not wait for a child that does not end")
{
    start(child, "silent");
    REQUIRE(child.await_ready(signals));
    REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    const auto begin = Child::Clock::now();
    child.stop(signals);
    CHECK(Child::Clock::now() - begin < 4s); // it would have five seconds to stop
    CHECK_FALSE(child.runs());
}

TEST_CASE_METHOD(ChildTest, "two children are connected once both serve")
{
    AuthChannel channel;
    start_ready(child);
    channel.connect(child, other);
    start_ready(other);
    channel.connect(child, other);
    CHECK(hear_channel(child) == 1);
    CHECK(hear_channel(other) == 1);
}

TEST_CASE_METHOD(ChildTest, "a channel that breaks while both serve is replaced, but not while it is young")
{
    AuthChannel channel;
    start_ready(child);
    start_ready(other);
    channel.connect(child, other);
    const auto connected = Child::Clock::now();
    channel.lost(hear_channel(child));
    const test::CapturedLog log;
    channel.replace_if_lost(child, other);
    if (Child::Clock::now() < channel.due()) CHECK(log.text().empty());
    while (Child::Clock::now() < channel.due())
        ::usleep(1000);
    CHECK(Child::Clock::now() - connected > 200ms);
    channel.replace_if_lost(child, other);
    CHECK_THAT(log.text(), test::contains("channel-replaced"));
    CHECK(hear_channel(child) == 2);
}

TEST_CASE_METHOD(ChildTest, "an old channel that is reported lost changes nothing")
{
    AuthChannel channel;
    start_ready(child);
    start_ready(other);
    channel.connect(child, other);
    channel.connect(child, other);
    channel.lost(1);
    CHECK(channel.due() == Child::Clock::time_point::max());
    channel.lost(2);
    CHECK(channel.due() < Child::Clock::now() + 1s);
}

TEST_CASE_METHOD(ChildTest, "the lockdown is one line, or one for each child if they differ")
{
    std::array<Child, 2> children{Child{{.name = "double", .user = {}}},
                                  Child{{.name = "double", .user = {}}}};
    const std::string second = GENERATE("ready", "stopped");
    start(children[0], "ready");
    start(children[1], second);
    for (Child& each : children)
        REQUIRE(each.await_ready(signals));
    CHECK(describe_lockdown(children) ==
          (second == "ready" ? "ftpcd: lockdown: ready\n"
                             : "ftpcd: lockdown of double: ready\nftpcd: lockdown of double: stopped\n"));
    for (Child& each : children)
        each.stop(signals);
}

TEST_CASE_METHOD(ChildTest, "a reload that is asked for while a child starts is not forgotten")
{
    start(child, "silent");
    REQUIRE(::kill(::getpid(), SIGHUP) == 0);
    REQUIRE(child.await_ready(signals));
    CHECK(signals.take().reload);
    CHECK_FALSE(signals.take().reload);
}
