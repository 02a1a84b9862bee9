// The options of each subcommand, and the help texts that name them.
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/clock/occurrence_wait.hpp"
#include "client/connection/trust.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace ftpc::client {

using Arguments = std::vector<std::string>;

// Options that every subcommand has.
struct CommonOptions {
    bool help = false; // nothing else has been checked then
    bool json = false;
    std::optional<ServerAddress> server;
    TrustOptions trust;
    std::chrono::seconds timeout{30};
};

struct LoginOptions {
    CommonOptions common;
    LoginTarget target;
    bool password_stdin = false;
    std::optional<std::chrono::seconds>
        ttl; // how long the session is to last; the server's choice if not given
};

struct MkdirOptions {
    CommonOptions common;
    bool parents = false;
    bool nul_separated = false; // the list on standard input
    std::vector<std::string> paths;
};

// automatic: if standard output is a terminal that has them.
enum class Colours { automatic, always, never };

struct LsOptions {
    CommonOptions common;
    bool all = false; // names that begin with a dot as well
    Colours colours = Colours::automatic;
    bool long_form = false;
    std::vector<std::string> paths; // at least one
};

struct TreeOptions {
    CommonOptions common;
    bool all = false;
    Colours colours = Colours::automatic;
    std::optional<unsigned> depth; // 1 to 32; as deep as the server goes if not given
    std::string path;
};

struct TimeOptions {
    enum class Mode {
        show,   // the server's time
        offset, // how far the clock is from it
        check,  // whether that is within the tolerance
        wait,   // until a time of the server's day
        set,    // the clock of this machine
    };
    CommonOptions common;
    Mode mode = Mode::show;
    std::string format;                   // of format_time(), without the '+' before it
    bool utc = false;                     // show: not in the server's zone
    std::chrono::nanoseconds tolerance{}; // of check
    WaitOptions wait;
    std::string job;    // of wait: its name; empty if none is given
    bool large = false; // set: also by more than 1,000 s
};

// Of logout and status.
struct PlainOptions {
    CommonOptions common;
};

// Each takes the arguments behind the subcommand's name. Fails with ExitStatus::usage.
Outcome<LoginOptions> parse_login_options(const Arguments& arguments);
Outcome<MkdirOptions> parse_mkdir_options(const Arguments& arguments);
Outcome<LsOptions> parse_ls_options(const Arguments& arguments);
Outcome<TreeOptions> parse_tree_options(const Arguments& arguments);
Outcome<TimeOptions> parse_time_options(const Arguments& arguments);
Outcome<PlainOptions> parse_plain_options(const Arguments& arguments);

// The text that --help shows.
std::string login_help();
std::string mkdir_help();
std::string ls_help();
std::string tree_help();
std::string time_help();
std::string logout_help();
std::string status_help();
std::string exit_statuses_help();

} // namespace ftpc::client
