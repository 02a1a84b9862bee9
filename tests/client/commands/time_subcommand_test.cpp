// ftpc time against a scripted server. The setter of the clock is a double: no test sets that of the machine.
#include "client/commands/subcommands.hpp"

#include "client/clock/measurement.hpp"
#include "client/program_run.hpp"
#include "client/saved_login.hpp"
#include "client/scripted_server.hpp"
#include "client/state/let_through.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <regex>

using namespace ftpc;
using namespace ftpc::client;
using namespace std::chrono_literals;
using ftpc::test::be_logged_in;
using ftpc::test::contains;
using ftpc::test::Peer;
using ftpc::test::ProgramRun;
using ftpc::test::ScriptedServer;
using Mode = TimeOptions::Mode;

namespace {

std::string point(std::chrono::nanoseconds since_1970)
{
    std::string fraction = std::to_string((since_1970 % 1s).count());
    return std::to_string(since_1970 / 1s) + "." + std::string(9 - fraction.size(), '0') + fraction;
}

// A server whose clock is ahead of that of this machine.
struct Clock {
    std::chrono::nanoseconds ahead = 0ns;
    std::string state = "synchronised 512 0";

    std::string answer() const
    {
        const std::string now = point(std::chrono::system_clock::now().time_since_epoch() + ahead);
        return "200 TIME " + now + " " + now + " " + state + "\r\n";
    }
};

ScriptedServer::Script tells(const Clock& clock)
{
    return [clock](Peer& peer) {
        peer.greet_and_start_tls();
        for (int round = 0; round < 8; ++round) {
            test::expect(peer.read_line() == "SITE TIME", "the client asks for the time");
            peer.write(clock.answer());
        }
        test::expect(peer.read_line() == "QUIT", "the client says QUIT");
        peer.write("221 bye\r\n");
    };
}

ScriptedServer::Script answers(const std::string& reply)
{
    return [reply](Peer& peer) {
        peer.greet_and_start_tls();
        test::expect(peer.read_line() == "SITE TIME", "the client asks for the time");
        peer.write(reply);
    };
}

std::unique_ptr<ClockSetter> no_setter()
{
    throw std::logic_error{"only --set needs a setter"};
}

struct TimeTest {
    ProgramRun run;

    static TimeOptions options(Mode mode, const ScriptedServer& server)
    {
        TimeOptions options;
        options.mode = mode;
        options.common.server = test::address(server);
        options.common.trust.pin = server.certificate().fingerprint();
        return options;
    }
    ExitStatus ask(const TimeOptions& options)
    {
        return run([&] { return client::time(options, no_setter); });
    }
    ExitStatus ask(Mode mode, const ScriptedServer& server) { return ask(options(mode, server)); }
};

// The minute of the server's day that began last, or that comes next.
TimeOfDay minute(std::chrono::minutes from_now)
{
    const ClockTime now = std::chrono::system_clock::now();
    const auto local = std::chrono::floor<std::chrono::minutes>(local_time(now, 0s)) + from_now;
    return {{}, local - std::chrono::floor<std::chrono::days>(local)};
}

} // namespace

TEST_CASE_METHOD(TimeTest, "the time is the server's, in its zone and in the form that was asked for")
{
    ScriptedServer server{tells({.ahead = 24h * 365, .state = "local 0 -18000"})};
    TimeOptions wanted = options(Mode::show, server);
    wanted.format = "%s %z";
    CHECK(ask(wanted) == ExitStatus::done);
    CHECK(server.finish().empty());
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    const auto told = std::stoll(run.out()) - now.time_since_epoch().count();
    CHECK(std::abs(told - 365LL * 24 * 3600) <= 60);
    CHECK(run.out().ends_with(" -0500\n"));
    CHECK(run.err().empty());
}

TEST_CASE_METHOD(TimeTest, "the offset is shown with its bound and the state of the server's clock")
{
    const ScriptedServer server{tells({.ahead = 1h})};
    CHECK(ask(Mode::offset, server) == ExitStatus::done);
    const std::regex form{
        R"(\+3(599|600)\.\d{6} \+/- \d\.\d{6} s; 127\.0\.0\.1:\d+ is synchronised \+/- 0\.000512 s\n)"};
    INFO(run.out());
    CHECK(std::regex_match(run.out(), form));
}

TEST_CASE_METHOD(TimeTest, "as JSON there are the time, the offset, its bound and the state")
{
    const ScriptedServer server{tells({.ahead = -1h, .state = "unsynchronised 16000000 3600"})};
    TimeOptions wanted = options(Mode::offset, server);
    wanted.common.json = true;
    CHECK(ask(wanted) == ExitStatus::done);
    const auto object = boost::json::parse(run.out()).as_object();
    CHECK(object.at("server") == test::address(server).text().c_str());
    CHECK(object.at("offset").as_double() == Approx(-3600).margin(10));
    CHECK(object.at("bound").as_double() > 0);
    CHECK(object.at("state") == "unsynchronised");
    CHECK(object.at("max_error").as_double() == 16.0);
    CHECK(object.at("zone_offset").as_int64() == 3600);
    CHECK(contains(std::string{object.at("time").as_string()}, "Z"));
}

TEST_CASE_METHOD(TimeTest, "a check ends with 0 if the clock is right, and says nothing")
{
    const ScriptedServer server{tells({})};
    TimeOptions wanted = options(Mode::check, server);
    wanted.tolerance = 1h;
    CHECK(ask(wanted) == ExitStatus::done);
    CHECK(run.out().empty());
    CHECK(run.err().empty());
}

TEST_CASE_METHOD(TimeTest, "a check ends with 1 and says whether the clock or the server is the reason")
{
    TimeOptions wanted;
    SECTION("the clock is slow")
    {
        const ScriptedServer server{tells({.ahead = 1h})};
        wanted = options(Mode::check, server);
        wanted.tolerance = 500ms;
        CHECK(ask(wanted) == ExitStatus::failed);
        CHECK(contains(run.err(), "the clock of this machine is 3"));
        CHECK(contains(run.err(), " s behind 127.0.0.1:"));
    }
    SECTION("the clock is fast")
    {
        const ScriptedServer server{tells({.ahead = -1h})};
        wanted = options(Mode::check, server);
        wanted.tolerance = 500ms;
        CHECK(ask(wanted) == ExitStatus::failed);
        CHECK(contains(run.err(), " s ahead of 127.0.0.1:"));
    }
    SECTION("the server does not know")
    {
        const ScriptedServer server{tells({.state = "unsynchronised 0 0"})};
        wanted = options(Mode::check, server);
        wanted.tolerance = 1h;
        CHECK(ask(wanted) == ExitStatus::failed);
        CHECK(contains(run.err(), "says that its own clock is not synchronised"));
    }
    SECTION("it cannot be told so exactly")
    {
        const ScriptedServer server{tells({.state = "synchronised 9000000 0"})};
        wanted = options(Mode::check, server);
        wanted.tolerance = 8s;
        CHECK(ask(wanted) == ExitStatus::failed);
        CHECK(contains(run.err(), "cannot be checked so exactly"));
        CHECK(contains(run.err(), "9.000000 s"));
    }
}

TEST_CASE_METHOD(TimeTest, "a server without a login is the last one, or that of the environment")
{
    const ScriptedServer server{{tells({}), tells({})}};
    be_logged_in(server);
    TimeOptions wanted;
    wanted.format = "%s";
    CHECK(ask(wanted) == ExitStatus::done);
    wanted.mode = Mode::offset;
    CHECK(ask(wanted) == ExitStatus::done);
    CHECK(contains(run.out(), test::address(server).text()));
}

TEST_CASE_METHOD(TimeTest, "a server that does not know the command, or tells what is no time, is named")
{
    SECTION("it is too old")
    {
        const ScriptedServer server{answers("504 There is no such SITE command.\r\n")};
        CHECK(ask(Mode::offset, server) == ExitStatus::unreachable);
        CHECK(contains(run.err(), "its ftpcd may be older than this ftpc"));
    }
    SECTION("it ends the connection")
    {
        const ScriptedServer server{answers("421 Too many connections.\r\n")};
        CHECK(ask(Mode::offset, server) == ExitStatus::unreachable);
        CHECK(contains(run.err(), "ended the connection: 421"));
    }
    SECTION("it answers with something else")
    {
        const ScriptedServer server{answers("200 TIME now\x1b[2J\r\n")};
        CHECK(ask(Mode::offset, server) == ExitStatus::unreachable);
        CHECK(contains(run.err(), "does not keep to the protocol: 200 TIME now\\x1b"));
    }
    SECTION("its clock is set meanwhile")
    {
        const ScriptedServer server{[](Peer& peer) {
            peer.greet_and_start_tls();
            for (int round = 0; round < 8; ++round) {
                peer.read_line();
                peer.write(Clock{.ahead = round < 4 ? 0ns : std::chrono::nanoseconds{1h}}.answer());
            }
            peer.read_line();
            peer.write("221 bye\r\n");
        }};
        CHECK(ask(Mode::offset, server) == ExitStatus::unreachable);
        CHECK(contains(run.err(), "was set while it was asked"));
    }
}

TEST_CASE_METHOD(TimeTest, "once the time is known, a server that does not answer QUIT is not waited for")
{
    ScriptedServer server{[](Peer& peer) {
        peer.greet_and_start_tls();
        for (int round = 0; round < 8; ++round) {
            peer.read_line();
            peer.write(Clock{}.answer());
        }
        test::expect(peer.read_line() == "QUIT", "the client says QUIT");
        test::expect(peer.client_said_goodbye(), "the client ends the connection");
    }};
    CHECK(ask(Mode::offset, server) == ExitStatus::done);
    CHECK(server.finish().empty());
}

TEST_CASE_METHOD(TimeTest, "another key is not trusted, also for the time")
{
    const ScriptedServer server{[](Peer& peer) { peer.greet_and_start_tls(); }};
    TimeOptions wanted = options(Mode::offset, server);
    wanted.common.trust.pin = "SHA256:" + std::string(43, 'A');
    CHECK(ask(wanted) == ExitStatus::untrusted);
}

TEST_CASE_METHOD(TimeTest, "two runs for one occurrence make one job")
{
    const ScriptedServer server{std::vector(4, tells({}))};
    TimeOptions wanted = options(Mode::wait, server);
    wanted.wait = {.until = minute(-1min), .late = 1h, .or_local = false};
    CHECK(ask(wanted) == ExitStatus::done);
    CHECK(run.out().empty());
    CHECK(ask(wanted) == ExitStatus::failed);
    CHECK(contains(run.err(), "was let through before"));
    wanted.job = "another";
    wanted.common.json = true;
    CHECK(ask(wanted) == ExitStatus::done);
    CHECK(contains(run.out(), "\"occurrence\":\""));
    CHECK(ask(wanted) == ExitStatus::failed);
    CHECK(contains(run.state(jobs_file), " another "));
}

TEST_CASE_METHOD(TimeTest, "a wait that is late starts nothing, and is not remembered")
{
    const ScriptedServer server{tells({})};
    TimeOptions wanted = options(Mode::wait, server);
    wanted.wait.until = minute(-30min);
    CHECK(ask(wanted) == ExitStatus::failed);
    CHECK(contains(run.err(), "was 30 min"));
    CHECK(run.state(jobs_file).empty());
}

TEST_CASE_METHOD(TimeTest, "a wait whose occurrence could not be remembered does not begin")
{
    const ScriptedServer server{tells({})};
    TimeOptions wanted = options(Mode::wait, server);
    ::setenv("XDG_STATE_HOME", "/proc/1/nowhere", 1);
    CHECK(ask(wanted) == ExitStatus::failed);
    CHECK(contains(run.err(), "/proc/1/nowhere"));
}

namespace {

// The last double that was asked for.
std::string change_of_double;

class ClockDouble final : public ClockSetter {
public:
    bool is_kept() override { return false; }
    Result<void> slew(std::chrono::microseconds by) override
    {
        change_of_double = "slew " + std::to_string(std::chrono::round<std::chrono::seconds>(by).count());
        return {};
    }
    Result<void> step(std::chrono::nanoseconds by) override
    {
        change_of_double = "step " + std::to_string(std::chrono::round<std::chrono::minutes>(by).count());
        return {};
    }
};

std::unique_ptr<ClockSetter> double_setter()
{
    return std::make_unique<ClockDouble>();
}

} // namespace

TEST_CASE_METHOD(TimeTest, "the clock is set by the server's, as the rules of the setter say")
{
    change_of_double.clear();
    const ScriptedServer server{std::vector(2, tells({.ahead = 1h}))};
    TimeOptions wanted = options(Mode::set, server);
    CHECK(run([&] { return client::time(wanted, double_setter); }) == ExitStatus::failed);
    CHECK(contains(run.err(), "--large"));
    CHECK(change_of_double.empty());
    wanted.large = true;
    CHECK(run([&] { return client::time(wanted, double_setter); }) == ExitStatus::done);
    CHECK(change_of_double == "step 60");
    CHECK(run.out().starts_with("stepped: +3"));
    CHECK(run.err().empty());
}

TEST_CASE_METHOD(TimeTest, "a clock that is fast is set back")
{
    const ScriptedServer server{tells({.ahead = -15min})};
    CHECK(run([&] { return client::time(options(Mode::set, server), double_setter); }) == ExitStatus::done);
    CHECK(change_of_double == "step -15");
    CHECK(run.out().starts_with("stepped: -"));
}

TEST_CASE_METHOD(TimeTest, "if a clock is set by a server that is not synchronised, there is a warning")
{
    const ScriptedServer server{tells({.ahead = 15min, .state = "unsynchronised 16000000 0"})};
    CHECK(run([&] { return client::time(options(Mode::set, server), double_setter); }) == ExitStatus::done);
    CHECK(change_of_double == "step 15");
    CHECK(contains(run.err(), "says that its own clock is not synchronised, so this one may be as wrong"));
}
