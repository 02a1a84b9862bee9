// The settings of ftpcd. Each is a flag of the command line (--name value) and a line of the file of --config
// (name = value). Flags win over the file, the file over the defaults here.
#pragma once

#include "server/log/log.hpp"
#include "shared/crypto/scrypt.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

enum class Durability {
    group, // 257 is sent after the directory is on disk; waiting ones share a sync
    none,  // 257 is sent when the system call has returned
};

enum class LockdownMode {
    require, // a kernel that lacks a part of it is not served on
    prefer,  // features that the kernel lacks are reported at the start
    off,
};

// Which calls on directories are handed to threads instead of being made on net's event loop.
enum class HandOver {
    automatic, // those on file systems that are not known to be local, and lookups that cross a mount
    always,
    never,
};

// TCP ports from `first` to `last`.
struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    friend bool operator==(const PortRange&, const PortRange&) = default;
};

// Whether a data connection must resume the TLS session of its control connection, after a login by PASS.
inline constexpr int most_passive_ports = 64;

enum class DataResumption { prefer, require };

// Whether the time that clients are told is as good as the kernel says, or this machine is the standard.
enum class TimeSource { kernel, local };

struct Settings {
    std::string data; // directory of users.db, sessions.db, tls/; default_data_directory()
    std::string root; // the tree; empty: DATA/root
    std::vector<std::string> listen{"[::]:2121"};
    PortRange passive_ports{2122, 2137}; // for data connections; free ones beside a `listen` with port 0
    std::string passive_address;         // IPv4, told by PASV; empty: the one that the client is connected to
    DataResumption data_resumption = DataResumption::prefer;
    Durability durability = Durability::group;
    unsigned sync_parents = 8; // up to so many parents are synced one by one, more by one syncfs
    mode_t directory_mode = 0755;
    std::uint64_t max_dirs = 0; // directories in the home of a user without a limit; 0: any number
    HandOver hand_over = HandOver::automatic;
    unsigned reactors = 0;      // threads that serve connections; 0: one for each processor
    unsigned busy_poll = 50;    // microseconds that such a thread looks for something to do before it sleeps
    unsigned tree_workers = 16; // threads, started when needed, for jobs that may wait
    std::string certificate;    // PEM; empty: DATA/tls/certificate.pem, self-signed, made on first use
    std::string key;            // PEM; empty: DATA/tls/key.pem
    std::string pepper_file;    // 32 or more random bytes; empty: no pepper
    std::string net_user = "ftpcd";
    std::string auth_user = "ftpcd-auth";
    std::string time_user = "ftpcd-time";
    std::chrono::seconds login_timeout{120}; // from the connection's start to a login, TLS handshake included
    std::chrono::seconds idle_timeout{900};  // without a command, once logged in
    std::chrono::seconds tls_timeout{20};    // for a TLS handshake
    std::chrono::seconds write_timeout{60};  // without the client taking any byte of its replies
    std::chrono::seconds session_ttl{604800}; // the life time of session keys, at most and by default
    unsigned max_connections = 10000;
    unsigned max_connections_per_address = 2000; // IPv4 address or /64 of IPv6
    unsigned max_unauthenticated = 1000;         // connections that are not logged in
    unsigned max_sessions_per_user = 2000;
    unsigned max_transfers = 256; // data connections at the same time
    unsigned max_transfers_per_user = 64;
    std::chrono::seconds transfer_timeout{60};    // of a data connection without a byte
    unsigned max_commands_per_second = 0;         // of one session, which then waits; 0: no bound
    bool log_directories = true;                  // a line for each path that is made
    unsigned hash_workers = 0;                    // threads that hash passwords; 0: one for each core
    unsigned hash_queue = 256;                    // logins that may wait for them
    unsigned login_limit_address = 10;            // refused logins of an address that are free; 0: no limit
    unsigned login_limit_account = 10;            // the same of an account
    std::chrono::seconds login_limit_forget{600}; // one refused login is forgotten in this time
    std::vector<std::string> listen_ntp;          // with the port; empty: no NTP
    std::vector<std::string> listen_time_text;    // empty: no text service
    TimeSource time_source = TimeSource::kernel;
    unsigned time_stratum = 8; // told to NTP's clients while the kernel is synchronised
    std::string time_zone;     // a name of the IANA database; empty: the zone of the machine
    LogFormat log_format = LogFormat::logfmt;
    ScryptCost scrypt{.ln = 15, .r = 8, .p = 3};
    LockdownMode lockdown = LockdownMode::prefer; // of net and auth by the kernel
    bool lockdown_debug = false;                  // a forbidden system call is named in the log

    bool serves_time() const { return !listen_ntp.empty() || !listen_time_text.empty(); }
    std::string root_directory() const { return root.empty() ? data + "/root" : root; }
    std::string certificate_file() const
    {
        return certificate.empty() ? data + "/tls/certificate.pem" : certificate;
    }
    std::string key_file() const { return key.empty() ? data + "/tls/key.pem" : key; }
};

inline constexpr const char* system_data_directory = "/var/lib/ftpcd";

// That for root, else $XDG_STATE_HOME/ftpcd or ~/.local/state/ftpcd; a variable that is no absolute path
// counts for nothing. Empty if there is no home directory.
std::string default_data_directory();

// One thing that is wrong, and where: "ftpcd.conf:12", "users.db:3", "--listen".
struct Problem {
    std::string where;
    std::string what;
};

// "WHERE: WHAT" of each, with `separator` between them.
std::string problems_text(const std::vector<Problem>& problems, std::string_view separator);

struct SettingValue {
    std::string name;
    std::string value;
    std::string where; // for Problem
};

struct SettingDescription {
    std::string_view name;
    std::string_view argument; // "DIR", "SECONDS"
    std::string_view help;     // with the default in it
};
// Every setting, in the order in which --help shows them.
std::span<const SettingDescription> setting_descriptions();

// The lines of a settings file: `name = value`, `#` begins a comment line. Lines that are neither are
// problems, and so is a second line for a setting that does not list addresses.
std::vector<SettingValue> parse_settings_text(std::string_view text, const std::string& file_name,
                                              std::vector<Problem>& problems);

// Applies values in their order. The addresses that a source (file or flags) gives for one setting replace
// those before them.
void apply_settings(Settings& settings, std::span<const SettingValue> values, std::vector<Problem>& problems);

// All settings as the text of a file that parses back to the same: how they reach the inner processes.
std::string settings_text(const Settings& settings);

// The settings that have this text. Throws std::runtime_error with the first problem.
Settings settings_of(std::string_view text);

} // namespace ftpc::server
