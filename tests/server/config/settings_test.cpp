#include "server/config/settings.hpp"

#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;

namespace {

struct Read {
    Settings settings;
    std::vector<Problem> problems;
};

Read read(std::string_view text)
{
    Read out;
    const auto values = parse_settings_text(text, "ftpcd.conf", out.problems);
    apply_settings(out.settings, values, out.problems);
    return out;
}

// "ftpcd.conf:1: what is wrong with it"; empty for a line that is taken.
std::string complaint(const std::string& line)
{
    const Read out = read(line);
    return out.problems.empty() ? std::string{}
                                : out.problems.front().where + ": " + out.problems.front().what;
}

Settings unlike_the_defaults()
{
    Settings s;
    s.data = "/srv/ftp data";
    s.root = "/srv/树 = #1";
    s.listen = {"192.0.2.1:21", "[::1]:2121", "files.example.org:0"};
    s.passive_ports = {3000, 3063};
    s.passive_address = "192.0.2.7";
    s.data_resumption = DataResumption::require;
    s.durability = Durability::none;
    s.sync_parents = 0;
    s.directory_mode = 01750;
    s.max_dirs = 18446744073709551615U;
    s.hand_over = HandOver::always;
    s.reactors = 3;
    s.busy_poll = 0;
    s.tree_workers = 2;
    s.certificate = "/etc/ssl/certs/files.pem";
    s.key = "/etc/ssl/private/files.pem";
    s.pepper_file = "/etc/ftpcd/pepper";
    s.net_user = "www-data";
    s.auth_user = "secrets";
    s.time_user = "clock";
    s.listen_ntp = {"192.0.2.1:123", "[::1]:1123"};
    s.listen_time_text = {"192.0.2.1:2123"};
    s.time_stratum = 3;
    s.login_timeout = std::chrono::seconds{7};
    s.idle_timeout = std::chrono::seconds{3661};
    s.session_ttl = std::chrono::seconds{86400};
    s.tls_timeout = std::chrono::seconds{8};
    s.write_timeout = std::chrono::seconds{9};
    s.max_connections = 3;
    s.max_connections_per_address = 4;
    s.max_unauthenticated = 5;
    s.max_sessions_per_user = 6;
    s.max_transfers = 8;
    s.max_transfers_per_user = 9;
    s.transfer_timeout = std::chrono::seconds{10};
    s.max_commands_per_second = 7;
    s.log_directories = false;
    s.hash_workers = 5;
    s.hash_queue = 17;
    s.login_limit_address = 18;
    s.login_limit_account = 19;
    s.login_limit_forget = std::chrono::seconds{20};
    s.time_source = TimeSource::local;
    s.time_zone = "Europe/Berlin";
    s.log_format = LogFormat::json;
    s.scrypt = {.ln = 14, .r = 16, .p = 2};
    s.lockdown = LockdownMode::require;
    s.lockdown_debug = true;
    return s;
}

void check_same(const Settings& a, const Settings& b)
{
    CHECK(a.data == b.data);
    CHECK(a.root == b.root);
    CHECK(a.listen == b.listen);
    CHECK((a.durability == b.durability));
    CHECK(a.sync_parents == b.sync_parents);
    CHECK(a.directory_mode == b.directory_mode);
    CHECK(a.max_dirs == b.max_dirs);
    CHECK((a.hand_over == b.hand_over));
    CHECK(a.reactors == b.reactors);
    CHECK(a.busy_poll == b.busy_poll);
    CHECK(a.tree_workers == b.tree_workers);
    CHECK(a.certificate == b.certificate);
    CHECK(a.key == b.key);
    CHECK(a.pepper_file == b.pepper_file);
    CHECK(a.net_user == b.net_user);
    CHECK(a.auth_user == b.auth_user);
    CHECK(a.time_user == b.time_user);
    CHECK(a.listen_ntp == b.listen_ntp);
    CHECK(a.listen_time_text == b.listen_time_text);
    CHECK(a.time_stratum == b.time_stratum);
    CHECK((a.login_timeout == b.login_timeout));
    CHECK((a.idle_timeout == b.idle_timeout));
    CHECK((a.session_ttl == b.session_ttl));
    CHECK((a.tls_timeout == b.tls_timeout));
    CHECK((a.write_timeout == b.write_timeout));
    CHECK(a.max_connections == b.max_connections);
    CHECK(a.max_connections_per_address == b.max_connections_per_address);
    CHECK(a.max_unauthenticated == b.max_unauthenticated);
    CHECK(a.max_sessions_per_user == b.max_sessions_per_user);
    CHECK((a.passive_ports == b.passive_ports));
    CHECK(a.passive_address == b.passive_address);
    CHECK((a.data_resumption == b.data_resumption));
    CHECK(a.max_transfers == b.max_transfers);
    CHECK(a.max_transfers_per_user == b.max_transfers_per_user);
    CHECK((a.transfer_timeout == b.transfer_timeout));
    CHECK(a.max_commands_per_second == b.max_commands_per_second);
    CHECK(a.log_directories == b.log_directories);
    CHECK(a.hash_workers == b.hash_workers);
    CHECK(a.hash_queue == b.hash_queue);
    CHECK(a.login_limit_address == b.login_limit_address);
    CHECK(a.login_limit_account == b.login_limit_account);
    CHECK((a.login_limit_forget == b.login_limit_forget));
    CHECK((a.time_source == b.time_source));
    CHECK(a.time_zone == b.time_zone);
    CHECK((a.log_format == b.log_format));
    CHECK((a.scrypt == b.scrypt));
    CHECK((a.lockdown == b.lockdown));
    CHECK(a.lockdown_debug == b.lockdown_debug);
}

} // namespace

TEST_CASE("settings come back from their own text unchanged")
{
    for (const Settings& settings : {Settings{}, unlike_the_defaults()}) {
        const Read out = read(settings_text(settings));
        CHECK(out.problems.empty());
        check_same(out.settings, settings);
    }
}

TEST_CASE("every setting that is described appears in the text of settings")
{
    const std::string text = settings_text(unlike_the_defaults());
    for (const SettingDescription& setting : setting_descriptions()) {
        INFO(setting.name);
        const std::string line = std::string{setting.name}.append(" = ");
        CHECK((text.starts_with(line) || text.find("\n" + line) != std::string::npos));
        CHECK_FALSE(setting.argument.empty());
        CHECK_FALSE(setting.help.empty());
    }
    CHECK(std::count(text.begin(), text.end(), '\n') ==
          static_cast<std::ptrdiff_t>(setting_descriptions().size()) +
              3); // listen is there three times, and listen-ntp twice
}

TEST_CASE("a port that listen-ntp leaves out is 123")
{
    using Addresses = std::vector<std::string>;
    const auto taken = [](const std::string& value) {
        return read("listen-ntp = " + value).settings.listen_ntp;
    };
    CHECK(taken("192.0.2.1") == Addresses{"192.0.2.1:123"});
    CHECK(taken("192.0.2.1:1123") == Addresses{"192.0.2.1:1123"});
    CHECK(taken("[::]") == Addresses{"[::]:123"});
    CHECK(taken("[::]:1123") == Addresses{"[::]:1123"});
    CHECK(taken("*") == Addresses{"*:123"});
    CHECK(taken(":1123") == Addresses{":1123"});
    CHECK(taken("files.example.org") == Addresses{"files.example.org:123"});
    CHECK(read("listen-ntp = 192.0.2.1\nlisten-ntp = 192.0.2.2:1123").settings.listen_ntp ==
          Addresses{"192.0.2.1:123", "192.0.2.2:1123"});
}

TEST_CASE("an empty value for one of time's addresses is none, also in the place of others")
{
    CHECK_FALSE(Settings{}.serves_time());
    CHECK_FALSE(read("listen-ntp =\nlisten-time-text =").settings.serves_time());
    CHECK(read("listen-ntp = :1").settings.serves_time());
    CHECK(read("listen-time-text = :1").settings.serves_time());
    Settings settings = read("listen-ntp = :1\nlisten-time-text = :2").settings;
    std::vector<Problem> problems;
    const std::vector<SettingValue> flags{{"listen-ntp", "", "--listen-ntp"}};
    apply_settings(settings, flags, problems);
    CHECK(problems.empty());
    CHECK(settings.listen_ntp.empty());
    CHECK(settings.listen_time_text == std::vector<std::string>{":2"});
}

TEST_CASE("a stratum is that of a clock that is synchronised")
{
    CHECK(read("time-stratum = 1").settings.time_stratum == 1);
    CHECK(read("time-stratum = 15").settings.time_stratum == 15);
    CHECK_FALSE(complaint("time-stratum = 0").empty());
    CHECK_FALSE(complaint("time-stratum = 16").empty());
}

TEST_CASE("ports for data connections are one port, or a range that is not too large")
{
    CHECK(read("passive-ports = 2122").settings.passive_ports == PortRange{2122, 2122});
    CHECK(read("passive-ports = 1-64").settings.passive_ports == PortRange{1, 64});
    for (const char* const wrong : {"0", "65536", "2137-2122", "1-65", "2122-", "-2122", "2122 - 2137", "x"})
        CHECK_FALSE(read(std::string{"passive-ports = "} + wrong).problems.empty());
}

TEST_CASE("the address that PASV tells is one of IPv4")
{
    CHECK(read("passive-address = 192.0.2.7").settings.passive_address == "192.0.2.7");
    for (const char* const wrong : {"::1", "files.example.org", "192.0.2", "192.0.2.7:21"})
        CHECK_FALSE(read(std::string{"passive-address = "} + wrong).problems.empty());
}

TEST_CASE("each mode of the lockdown has a name")
{
    CHECK((read("lockdown = require").settings.lockdown == LockdownMode::require));
    CHECK((read("lockdown = prefer").settings.lockdown == LockdownMode::prefer));
    CHECK((read("lockdown = off").settings.lockdown == LockdownMode::off));
}

TEST_CASE("a settings file has comments, empty lines and white space")
{
    const Read out = read(
        "# about this server\n\n  sync-parents=3\r\n\troot =  /srv/my tree \n   # more\nidle-timeout = 1h");
    CHECK(out.problems.empty());
    CHECK(out.settings.sync_parents == 3);
    CHECK(out.settings.root == "/srv/my tree");
    CHECK((out.settings.idle_timeout == std::chrono::hours{1}));
}

TEST_CASE("each line that is wrong is named with its file and number, and the right ones still count")
{
    const Read out =
        read("listen = :1\nsync-parents\n\nport = 21\nmax-connections = many\nhash-queue = 9\n= x\n");
    REQUIRE(out.problems.size() == 4);
    CHECK(out.problems[0].where == "ftpcd.conf:2");
    CHECK(out.problems[0].what == "not a line of the form: name = value");
    CHECK(out.problems[1].where == "ftpcd.conf:4");
    CHECK(out.problems[1].what == "there is no setting 'port'");
    CHECK(out.problems[2].where == "ftpcd.conf:5");
    CHECK(out.problems[2].what == "max-connections must be a number from 1 to 1000000");
    CHECK(out.problems[3].where == "ftpcd.conf:7");
    CHECK(out.settings.listen == std::vector<std::string>{":1"});
    CHECK(out.settings.hash_queue == 9);
}

TEST_CASE("bad values are refused")
{
    for (const char* const line : {"data =",
                                   "root =",
                                   "listen =",
                                   "net-user =",
                                   "durability = full",
                                   "durability = Group",
                                   "sync-parents = -1",
                                   "sync-parents = 4097",
                                   "sync-parents = 1.5",
                                   "sync-parents = 0x10",
                                   "sync-parents = 99999999999999999999",
                                   "sync-parents = 5 # five",
                                   "lockdown = on",
                                   "lockdown = Require",
                                   "lockdown-debug = yes",
                                   "directory-mode = 0644",
                                   "directory-mode = 755x",
                                   "directory-mode = 0788",
                                   "directory-mode = 10755",
                                   "directory-mode = rwxr-xr-x",
                                   "max-dirs = -1",
                                   "max-dirs = 5x",
                                   "max-dirs = none",
                                   "max-dirs = 18446744073709551616",
                                   "hand-over = Auto",
                                   "hand-over = automatic",
                                   "busy-poll = 1001",
                                   "busy-poll = 50us",
                                   "tree-workers = 1",
                                   "tree-workers = 1025",
                                   "login-timeout = 0",
                                   "login-timeout = -5",
                                   "login-timeout = 5 minutes",
                                   "login-timeout = 3651d",
                                   "session-ttl = forever",
                                   "max-connections = 0",
                                   "hash-workers = 257",
                                   "hash-queue = 0",
                                   "scrypt = ln=9,r=8,p=1",
                                   "scrypt = ln=21,r=8,p=1",
                                   "scrypt = ln=15,r=0,p=1",
                                   "scrypt = ln=15,r=33,p=1",
                                   "scrypt = ln=15,r=8,p=0",
                                   "scrypt = ln=15,r=8,p=17",
                                   "scrypt = ln=20,r=16,p=1",
                                   "scrypt = ln=16,r=1,p=1",
                                   "scrypt = ln=15,r=8",
                                   "scrypt = ln=15,r=8,p=3,x=1",
                                   "scrypt = ln=-1,r=8,p=3"}) {
        INFO(line);
        CHECK_THAT(complaint(line), test::starts_with("ftpcd.conf:1: "));
        check_same(
            [&] {
                Settings after = read(line).settings;
                if (std::string_view{line}.starts_with("listen")) after.listen = Settings{}.listen;
                return after;
            }(),
            Settings{});
    }
}

TEST_CASE("set-group-id is refused, since the system would leave it out of new directories")
{
    CHECK_THAT(complaint("directory-mode = 2775"), test::contains("directory-mode must be"));
    CHECK(complaint("directory-mode = 1777").empty());
}

TEST_CASE("a value with control characters is refused: it could become another line on its way to a child")
{
    for (const char* const value : {"/srv\nlisten = :1", "/srv\r", "\x1b[31m", " /srv", "\xff"}) {
        Settings settings;
        std::vector<Problem> problems;
        const std::vector<SettingValue> values{{"root", value, "--root"}};
        apply_settings(settings, values, problems);
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().where == "--root");
        CHECK(settings.root.empty());
    }
}

TEST_CASE("the addresses of one source replace those before it")
{
    Settings settings;
    std::vector<Problem> problems;
    const std::vector<SettingValue> file{{"listen", ":1", "f:1"}, {"listen", ":2", "f:2"}};
    const std::vector<SettingValue> flags{{"listen", ":3", "--listen"}};
    const std::vector<SettingValue> others{{"sync-parents", "1", "--sync-parents"}};
    apply_settings(settings, file, problems);
    CHECK(settings.listen == std::vector<std::string>{":1", ":2"});
    apply_settings(settings, others, problems);
    CHECK(settings.listen == std::vector<std::string>{":1", ":2"});
    apply_settings(settings, flags, problems);
    CHECK(settings.listen == std::vector<std::string>{":3"});
    CHECK(problems.empty());
}

TEST_CASE("a setting that is given twice is a mistake, and the first one counts")
{
    const Read out = read("hash-queue = 1\nsync-parents = 3\nhash-queue = 2\n");
    REQUIRE(out.problems.size() == 1);
    CHECK(out.problems[0].where == "ftpcd.conf:3");
    CHECK(out.problems[0].what == "hash-queue is given a second time, after ftpcd.conf:1");
    CHECK(out.settings.hash_queue == 1);
}

TEST_CASE("files lie in the data directory unless they are named")
{
    Settings settings;
    settings.data = "/srv";
    CHECK(settings.root_directory() == "/srv/root");
    CHECK(settings.certificate_file() == "/srv/tls/certificate.pem");
    CHECK(settings.key_file() == "/srv/tls/key.pem");
    const Settings other = unlike_the_defaults();
    CHECK(other.root_directory() == "/srv/树 = #1");
    CHECK(other.certificate_file() == "/etc/ssl/certs/files.pem");
    CHECK(other.key_file() == "/etc/ssl/private/files.pem");
}
