// The loop of the supervisor. Its children are played by this program: a child named NAME runs the test
// "process-NAME". Each writes the orders that it gets into the log.
#include "server/supervisor/supervisor.hpp"

#include "server/ipc/channel.hpp"
#include "server/log/log.hpp"
#include "server/running/running_servers.hpp"
#include "server/running/runtime_directory.hpp"
#include "support/captured_log.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"
#include "support/temporary_directory.hpp"
#include "support/time_scale.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

// ---- in the child

void report(const ipc::Report& what)
{
    (void)ipc::send_packet(ipc::control_descriptor, ipc::encode(what));
}

std::string line_of(const std::string& settings, const std::string& name)
{
    const auto begin = settings.find("\n" + name) + 1;
    return settings.substr(begin, settings.find('\n', begin) - begin);
}

// The ways in which children differ.
struct Played {
    std::string name;
    std::function<ipc::Report(unsigned how_often)> on_configure = [](unsigned) {
        return ipc::Ready{3, "none", ""};
    };
    std::function<void(std::uint32_t channel)> on_connect = [](std::uint32_t) {};
};

// Until it is told to stop.
[[noreturn]] void play(const Played& child)
{
    unsigned configured = 0;
    while (const auto packet = ipc::receive_packet(ipc::control_descriptor, ipc::max_control_bytes)) {
        const auto order = ipc::decode_order(packet->bytes);
        if (!order) break;
        if (const auto* configure = std::get_if<ipc::Configure>(&*order)) {
            log_event("configured", {{"process", child.name},
                                     {"descriptors", packet->descriptors.size()},
                                     {"control", configure->first_sockets},
                                     {"certificate", configure->certificate_pem.empty() ? "no" : "yes"},
                                     {"pepper", view(configure->pepper).empty() ? "no" : "yes"},
                                     {"setting", line_of(configure->settings, "max-connections ")},
                                     {"pid", static_cast<std::uint64_t>(::getpid())}});
            report(child.on_configure(++configured));
        }
        if (const auto* connect = std::get_if<ipc::Connect>(&*order)) {
            log_event("connected", {{"process", child.name}, {"channel", connect->number}});
            child.on_connect(connect->number);
        }
        if (std::holds_alternative<ipc::Ping>(*order)) report(ipc::Alive{});
        if (std::holds_alternative<ipc::Stop>(*order)) {
            log_event("told-to-stop", {{"process", child.name}});
            ::_exit(0);
        }
    }
    ::_exit(9);
}

// ---- in the test

sigset_t obeyed_signals()
{
    sigset_t all;
    ::sigemptyset(&all);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        ::sigaddset(&all, number);
    return all;
}

struct SupervisorTest {
    SupervisorTest()
    {
        const sigset_t blocked = obeyed_signals(); // they are for the thread of the supervisor
        ::sigprocmask(SIG_BLOCK, &blocked, &signals_before);
        directory.write("pepper", std::string(64, 'a') + "\n");
        REQUIRE(::chmod(directory.path("pepper").c_str(), 0600) == 0);
        configure();
    }
    SupervisorTest(const SupervisorTest&) = delete;
    SupervisorTest& operator=(const SupervisorTest&) = delete;
    ~SupervisorTest()
    {
        stop();
        supervisor.reset(); // closes the channels, so that every child ends
        while (::waitpid(-1, nullptr, 0) > 0) {
        }
        const sigset_t blocked = obeyed_signals();
        const timespec at_once{};
        while (::sigtimedwait(&blocked, nullptr, &at_once) > 0) {
        }
        ::sigprocmask(SIG_SETMASK, &signals_before, nullptr);
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // which the supervisor has taken away
    }

    // Writes the settings file, with one more line.
    void configure(const std::string& line = {}) const
    {
        directory.write("ftpcd.conf",
                        "data = " + directory.path("data") + "\npepper-file = " + directory.path("pepper") +
                            "\nlisten = 127.0.0.1:0\npassive-ports = 2122-2123\n"
                            "net-user = daemon\nauth-user = bin\n" + // which every Linux has
                            line +
                            "\n");
    }
    void start(const std::string& auth = "played-auth", const std::string& net = "played-net")
    {
        const std::array table{
            ChildRole{.name = auth, .user = {}, .data = true, .pepper = true},
            ChildRole{.name = net, .user = {}, .tree = true, .listening_sockets = true, .certificate = true}};
        supervisor.emplace(parse_arguments({"--config", directory.path("ftpcd.conf")}, {}, SettingFlags::all),
                           table);
        thread = std::thread{[this] {
            try {
                status = supervisor->run();
            } catch (const std::exception& error) {
                failure = error.what();
            }
            ended = true;
        }};
    }
    void start_and_serve(const std::string& auth = "played-auth", const std::string& net = "played-net")
    {
        start(auth, net);
        await("listening on");
        await("event=connected process=" + net + " channel=1");
    }
    static void signal(int number) { REQUIRE(::kill(::getpid(), number) == 0); }
    void stop()
    {
        if (!thread.joinable()) return;
        if (!ended) ::kill(::getpid(), SIGTERM);
        thread.join();
    }

    // Waits until the log has `part` so many times.
    void await(const std::string& part, std::size_t times = 1) const
    {
        const auto deadline = std::chrono::steady_clock::now() + test::patience();
        while (count(part) < times && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        INFO(log.text());
        REQUIRE(count(part) >= times);
    }
    std::size_t count(const std::string& part) const
    {
        const std::string text = log.text();
        std::size_t found = 0;
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
            ++found;
        return found;
    }
    // That of the last process of that name.
    pid_t pid_of(const std::string& name) const
    {
        const std::string text = log.text();
        const auto line = text.rfind("event=configured process=" + name);
        REQUIRE(line != std::string::npos);
        return std::stoi(text.substr(text.find(" pid=", line) + 5));
    }
    void check_order(const std::vector<std::string>& parts) const
    {
        const std::string text = log.text();
        std::size_t at = 0;
        for (const std::string& part : parts) {
            INFO(part << " in " << text);
            at = text.find(part, at);
            REQUIRE(at != std::string::npos);
        }
    }

    sigset_t signals_before{};
    test::TemporaryDirectory directory;
    test::CapturedLog log;
    std::optional<Supervisor> supervisor;
    std::thread thread;
    std::optional<int> status; // of run(), once it has ended
    std::string failure;       // the same
    std::atomic<bool> ended = false;
};

} // namespace

TEST_CASE("process-played-auth", "[.]")
{
    play({.name = "played-auth"});
}

TEST_CASE("process-played-net", "[.]")
{
    play({.name = "played-net"});
}

TEST_CASE("process-loses-its-channel", "[.]")
{
    play({.name = "loses-its-channel", .on_connect = [](std::uint32_t channel) {
              if (channel == 1) report(ipc::ChannelLost{channel});
          }});
}

TEST_CASE("process-refuses-reloads", "[.]")
{
    play({.name = "refuses-reloads", .on_configure = [](unsigned how_often) -> ipc::Report {
              if (how_often > 1) return ipc::Failed{"the certificate is none"};
              return ipc::Ready{0, "none", ""};
          }});
}

TEST_CASE("process-cannot-start", "[.]")
{
    play({.name = "cannot-start",
          .on_configure = [](unsigned) { return ipc::Failed{"the tree is not there"}; }});
}

TEST_CASE_METHOD(SupervisorTest,
                 "children are started in their order, with what their rows say, before the announcement")
{
    start_and_serve();
    check_order({"configured process=played-auth descriptors=1 control=0 certificate=no pepper=yes",
                 // the tree, one socket for control connections, and two for data
                 "configured process=played-net descriptors=4 control=1 certificate=yes pepper=no",
                 "listening on 127.0.0.1:", "6 users", "key fingerprint of the certificate SHA256:"});
}

TEST_CASE_METHOD(SupervisorTest, "both children get a channel to each other, and a new one with a new child")
{
    const std::string killed = GENERATE("played-auth", "played-net");
    start_and_serve();
    const pid_t before = pid_of(killed);
    REQUIRE(::kill(before, SIGKILL) == 0);
    await("event=connected process=played-auth channel=2");
    await("event=connected process=played-net channel=2");
    check_order({"event=child-ended process=" + killed + " with=\"signal 9\"",
                 "event=child-restarted process=" + killed, "channel=2"});
    CHECK(pid_of(killed) != before);
}

TEST_CASE_METHOD(SupervisorTest, "a channel that a child has lost is replaced once")
{
    start_and_serve("played-auth", "loses-its-channel");
    await("event=connected process=played-auth channel=2");
    await("event=connected process=loses-its-channel channel=2");
    stop();
    CHECK(count("event=channel-replaced") == 1);
    CHECK(count("channel=3") == 0);
}

TEST_CASE_METHOD(SupervisorTest, "SIGHUP gives all children the settings as they are now")
{
    start_and_serve();
    configure("max-connections = 7");
    signal(SIGHUP);
    await("setting=\"max-connections = 7\"", 2);
    await("event=reloaded");
    CHECK(count("descriptors=0") == 2); // they have theirs
}

TEST_CASE_METHOD(SupervisorTest, "SIGHUP with a wrong setting, or a broken certificate, changes nothing")
{
    const bool wrong_setting = GENERATE(true, false);
    start_and_serve();
    configure(wrong_setting ? "nonsense = 1" : "max-connections = 7");
    if (!wrong_setting) directory.write("data/tls/certificate.pem", "nothing");
    signal(SIGHUP);
    await(wrong_setting ? "event=setting-refused" : "event=reload-refused");
    stop();
    CHECK(count("event=configured") == 2);
    CHECK(count("event=reloaded") == 0);
}

TEST_CASE_METHOD(SupervisorTest, "a child that cannot take a reload says so and goes on")
{
    start_and_serve("played-auth", "refuses-reloads");
    signal(SIGHUP);
    await("event=refused process=refuses-reloads reason=\"the certificate is none\"");
    stop();
    CHECK(count("event=child-ended") == 0);
    CHECK(count("event=told-to-stop") == 2);
}

TEST_CASE_METHOD(SupervisorTest, "a signal stops the children, the last one first, and the status is 0")
{
    const int number = GENERATE(SIGTERM, SIGINT);
    start_and_serve();
    const std::array children{pid_of("played-auth"), pid_of("played-net")};
    signal(number);
    thread.join();
    CHECK(failure.empty());
    CHECK(status == 0);
    check_order(
        {"event=told-to-stop process=played-net", "event=told-to-stop process=played-auth", "event=stopped"});
    for (const pid_t child : children)
        CHECK(::kill(child, 0) == -1); // its status was taken, too
}

TEST_CASE_METHOD(SupervisorTest, "a first start that fails ends the supervisor with the child's reason")
{
    start("played-auth", "cannot-start");
    thread.join();
    CHECK(failure == "the tree is not there");
    CHECK_FALSE(status);
    CHECK(count("listening on") == 0);
}

TEST_CASE_METHOD(SupervisorTest, "the administrator is told of the children as they are now")
{
    start_and_serve();
    REQUIRE(::kill(pid_of("played-net"), SIGKILL) == 0);
    await("event=connected process=played-net channel=2");
    std::vector<ServerStatus> found;
    for (const ServerStatus& server : ask_running_servers(runtime_directories()).answered)
        if (server.data.path == directory.path("data")) found.push_back(server);
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].children.size() == 2);
    CHECK(found[0].children[0].name == "played-auth");
    CHECK(found[0].children[0].pid == pid_of("played-auth"));
    CHECK(found[0].children[1].pid == pid_of("played-net"));
}
