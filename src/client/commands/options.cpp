#include "client/commands/options.hpp"

#include "client/clock/time_text.hpp"
#include "client/state/let_through.hpp"
#include "client/terminal/safe_text.hpp"
#include "shared/base/duration.hpp"
#include "shared/base/numbers.hpp"
#include "shared/protocol/fingerprint.hpp"

#include <boost/filesystem/operations.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <array>
#include <sstream>

namespace ftpc::client {

namespace {

namespace po = boost::program_options;

constexpr std::chrono::seconds longest_timeout = std::chrono::hours{24};
constexpr unsigned most_levels = 32; // that SITE MLSD goes down

po::options_description common_description()
{
    po::options_description description{"Options"};
    description.add_options()("server", po::value<std::string>()->value_name("HOST[:PORT]"),
                              "the server; else the last one logged in at")(
        "json", "say everything as JSON on standard output, one object a line")(
        "timeout", po::value<std::string>()->value_name("SECONDS"),
        "how long the server may keep this command waiting, all in all; mkdir, ls, tree: for a part (30)")(
        "pin", po::value<std::string>()->value_name("SHA256:..."),
        "trust the server with this key fingerprint, as `ftpcd fingerprint` shows it, and remember it")(
        "ca", po::value<std::string>()->value_name("FILE"),
        "trust the server if these CA certificates vouch for its name, and remember that")(
        "accept-new", "trust a server that is not known yet without asking")("help,h", "show this");
    return description;
}

po::options_description login_description()
{
    po::options_description description = common_description();
    description.add_options()("password-stdin", "read the password from the first line of standard input")(
        "ttl", po::value<std::string>()->value_name("TIME"),
        "end the session after this time, such as 12h or 7d");
    return description;
}

po::options_description mkdir_description()
{
    po::options_description description = common_description();
    description.add_options()("parents,p",
                              "make missing directories above as well; one that exists is no error")(
        "null,0", "paths on standard input end with NUL instead of a line end");
    return description;
}

// Of ls and tree.
void describe_listing(po::options_description& description)
{
    description.add_options()("all,a", "show names that begin with a dot, too")(
        "color", po::value<std::string>()->value_name("WHEN"),
        "colours: always, never, or auto (only on a terminal that has them, unless NO_COLOR is set)");
}

po::options_description ls_description()
{
    po::options_description description = common_description();
    describe_listing(description);
    description.add_options()("long,l", "show permissions, size, and time of the last change as well");
    return description;
}

po::options_description tree_description()
{
    po::options_description description = common_description();
    describe_listing(description);
    description.add_options()("level,L", po::value<std::string>()->value_name("N"),
                              "go N levels down, 1 to 32 (32)");
    return description;
}

po::options_description time_description()
{
    po::options_description description = common_description();
    description.add_options()("utc", "show the time in UTC, not in the server's zone")(
        "offset", "say by how much the clock of this machine is off, and how exactly that is known")(
        "check", po::value<std::string>()->value_name("TIME"),
        "end with status 1 if the clock may be off by more than this, such as 500ms or 2s")(
        "wait-until", po::value<std::string>()->value_name("HH:MM[:SS]"),
        "wait for this time of the server's day, the nearest one, or for YYYY-MM-DDTHH:MM[:SS]")(
        "late", po::value<std::string>()->value_name("TIME"),
        "with --wait-until: it may have passed by this, such as 2h")(
        "or-local", "with --wait-until: if the server stays away, go on by the clock of this machine")(
        "job", po::value<std::string>()->value_name("NAME"),
        "with --wait-until: the name of what waits, if several jobs wait for the same time")(
        "set", "set the clock of this machine (root)")("large",
                                                       "with --set: also by more than 1,000 seconds");
    return description;
}

Failure usage(std::string message)
{
    return {ExitStatus::usage, std::move(message)};
}

// Parses by `description`; every word that is no option is in "arguments".
Outcome<po::variables_map> parse(const Arguments& arguments, po::options_description description)
{
    po::options_description hidden;
    hidden.add_options()("arguments", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("arguments", -1);
    description.add(hidden);
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    try {
        po::variables_map values;
        po::store(
            po::command_line_parser(arguments).options(description).positional(positional).style(style).run(),
            values);
        return values;
    } catch (const po::error& error) {
        return usage(safe_text(error.what()));
    }
}

std::string text_of(const po::variables_map& values, const char* name)
{
    return values.count(name) > 0 ? values[name].as<std::string>() : std::string{};
}

std::vector<std::string> positional_of(const po::variables_map& values)
{
    return values.count("arguments") > 0 ? values["arguments"].as<std::vector<std::string>>()
                                         : std::vector<std::string>{};
}

Outcome<TrustOptions> trust_options(const po::variables_map& values)
{
    TrustOptions trust{values.count("accept-new") > 0, text_of(values, "pin"), text_of(values, "ca")};
    if (values.count("pin") > 0 && values.count("ca") > 0) return usage("--pin and --ca exclude each other");
    if (values.count("pin") > 0 && !is_fingerprint(trust.pin))
        return usage("--pin: '" + safe_text(trust.pin) +
                     "' is mistyped or cut short: a fingerprint is SHA256: and 43 characters, as `ftpcd "
                     "fingerprint` shows it");
    if (values.count("ca") == 0) return trust;
    // It is remembered, and later commands may run in another directory.
    boost::system::error_code error;
    const bool file = boost::filesystem::is_regular_file(trust.ca_file, error);
    if (error) return usage("--ca: " + safe_text(trust.ca_file) + ": " + error.message());
    if (!file) return usage("--ca: " + safe_text(trust.ca_file) + " is not a file");
    trust.ca_file = boost::filesystem::absolute(trust.ca_file).string();
    if (trust.ca_file.find('\n') != std::string::npos)
        return usage("--ca: a line end in the name of the file");
    return trust;
}

Outcome<CommonOptions> common_options(const po::variables_map& values)
{
    CommonOptions options;
    options.json = values.count("json") > 0;
    auto trust = trust_options(values);
    if (!trust) return trust.error();
    options.trust = *trust;
    if (values.count("server") > 0) {
        auto server = parse_server(text_of(values, "server"));
        if (!server) return usage("--server: " + server.error().message);
        options.server = *server;
    }
    if (values.count("timeout") > 0) {
        const auto timeout = parse_duration(text_of(values, "timeout"));
        if (!timeout || *timeout > longest_timeout)
            return usage("--timeout: a number of seconds from 1 to 86400 is needed");
        options.timeout = *timeout;
    }
    return options;
}

// `read_own` takes what the subcommand has beside the common options.
template <class Options>
Outcome<Options> parse_options(const Arguments& arguments, const po::options_description& description,
                               Outcome<void> (*read_own)(const po::variables_map& values, Options& options))
{
    const auto values = parse(arguments, description);
    if (!values) return values.error();
    Options options;
    options.common.help = values->count("help") > 0;
    if (options.common.help) return options;
    auto common = common_options(*values);
    if (!common) return common.error();
    options.common = *common;
    if (const auto done = read_own(*values, options); !done) return done.error();
    return options;
}

// For subcommands that take options only.
Outcome<void> expect_no_arguments(const po::variables_map& values, PlainOptions&)
{
    if (const auto extra = positional_of(values); !extra.empty())
        return usage("unexpected argument '" + safe_text(extra.front()) + "'");
    return {};
}

// Takes the host from --server into the target, if the target has none.
Outcome<LoginTarget> merge_target(LoginTarget target, const std::optional<ServerAddress>& server)
{
    if (!server) return target;
    if (target.host || target.port)
        return usage("the server is named twice: by --server and behind the user");
    target.host = server->host;
    target.port = server->port;
    return target;
}

std::string help(const std::string& synopsis, const po::options_description& description)
{
    std::ostringstream text;
    text << synopsis << "\n" << description << "\n" << exit_statuses_help();
    return text.str();
}

Outcome<void> read_login_options(const po::variables_map& values, LoginOptions& options)
{
    const auto targets = positional_of(values);
    if (targets.size() > 1)
        return usage("unexpected argument '" + safe_text(targets[1]) +
                     "' (say it: ftpc login USER@HOST[:PORT]; a password is never given as an argument)");
    auto target = parse_login_target(targets.empty() ? "" : targets.front());
    if (!target) return target.error();
    target = merge_target(std::move(*target), options.common.server);
    if (!target) return target.error();
    options.target = *target;
    options.password_stdin = values.count("password-stdin") > 0;
    if (values.count("ttl") == 0) return {};
    const auto ttl = parse_duration(text_of(values, "ttl"));
    if (!ttl) return usage("--ttl: a time such as 90s, 30m, 12h or 7d is needed");
    options.ttl = *ttl;
    return {};
}

Outcome<void> read_mkdir_options(const po::variables_map& values, MkdirOptions& options)
{
    options.parents = values.count("parents") > 0;
    options.nul_separated = values.count("null") > 0;
    options.paths = positional_of(values);
    if (options.paths.empty()) return usage("no PATH is given ('-' reads a list from standard input)");
    return {};
}

Outcome<Colours> colours_option(const po::variables_map& values)
{
    const std::string when = values.count("color") > 0 ? text_of(values, "color") : "auto";
    if (when == "auto") return Colours::automatic;
    if (when == "always") return Colours::always;
    if (when == "never") return Colours::never;
    return usage("--color: '" + safe_text(when) + "' is neither auto nor always nor never");
}

// The part that ls and tree have in common. Without a PATH it is the home.
template <class Options>
Outcome<std::vector<std::string>> read_listing_options(const po::variables_map& values, Options& options)
{
    options.all = values.count("all") > 0;
    const auto colours = colours_option(values);
    if (!colours) return colours.error();
    options.colours = *colours;
    auto paths = positional_of(values);
    if (paths.empty()) paths.emplace_back("/");
    return paths;
}

Outcome<void> read_ls_options(const po::variables_map& values, LsOptions& options)
{
    options.long_form = values.count("long") > 0;
    auto paths = read_listing_options(values, options);
    if (!paths) return paths.error();
    options.paths = std::move(*paths);
    return {};
}

Outcome<void> read_tree_options(const po::variables_map& values, TreeOptions& options)
{
    const auto paths = read_listing_options(values, options);
    if (!paths) return paths.error();
    if (paths->size() > 1) return usage("unexpected argument '" + safe_text((*paths)[1]) + "'");
    options.path = paths->front();
    if (values.count("level") == 0) return {};
    options.depth = parse_number<unsigned>(text_of(values, "level"), 1, most_levels);
    if (!options.depth) return usage("-L: a number of levels from 1 to 32 is needed");
    return {};
}

// "500ms", "100us", or as parse_duration.
std::optional<std::chrono::nanoseconds> parse_tolerance(std::string_view text)
{
    constexpr std::int64_t most = 1'000'000'000;
    const std::string_view number = text.substr(0, text.size() - std::min<std::size_t>(text.size(), 2));
    if (text.ends_with("ms") || text.ends_with("us")) {
        const auto count = parse_number<std::int64_t>(number, 1, most);
        if (!count) return std::nullopt;
        return std::chrono::microseconds{text.ends_with("ms") ? *count * 1000 : *count};
    }
    const auto seconds = parse_duration(text);
    if (!seconds) return std::nullopt;
    return *seconds;
}

// The one form of `ftpc time` that is wanted.
Outcome<TimeOptions::Mode> time_mode(const po::variables_map& values)
{
    using Mode = TimeOptions::Mode;
    constexpr std::array modes{std::pair{"offset", Mode::offset}, std::pair{"check", Mode::check},
                               std::pair{"wait-until", Mode::wait}, std::pair{"set", Mode::set}};
    Mode chosen = Mode::show;
    for (const auto& [name, mode] : modes) {
        if (values.count(name) == 0) continue;
        if (chosen != Mode::show)
            return usage("--offset, --check, --wait-until and --set exclude each other");
        chosen = mode;
    }
    return chosen;
}

// Options that mean something in one form only.
Outcome<void> expect_form(const po::variables_map& values, TimeOptions::Mode mode)
{
    using Mode = TimeOptions::Mode;
    for (const char* const name : {"late", "or-local", "job"})
        if (values.count(name) > 0 && mode != Mode::wait)
            return usage(std::string{"--"} + name + " goes with --wait-until");
    if (values.count("large") > 0 && mode != Mode::set) return usage("--large goes with --set");
    if (values.count("utc") > 0 && mode != Mode::show) return usage("--utc is for showing the time");
    return {};
}

Outcome<void> read_time_format(const po::variables_map& values, TimeOptions& options)
{
    const auto arguments = positional_of(values);
    options.utc = values.count("utc") > 0;
    options.format = format_of_date;
    if (arguments.empty()) return {};
    if (arguments.size() > 1) return usage("unexpected argument '" + safe_text(arguments[1]) + "'");
    const std::string& format = arguments.front();
    if (options.mode != TimeOptions::Mode::show || !format.starts_with('+'))
        return usage("unexpected argument '" + safe_text(format) + "' (a format begins with '+')");
    options.format = format.substr(1);
    return {};
}

Outcome<void> read_wait_options(const po::variables_map& values, TimeOptions& options)
{
    const std::string until_text = text_of(values, "wait-until");
    const auto until = parse_time_of_day(until_text);
    if (!until)
        return usage("--wait-until: '" + safe_text(until_text) +
                     "' is no time such as 00:00, 23:59:30 or 2026-12-01T00:00");
    options.wait.until = *until;
    options.wait.or_local = values.count("or-local") > 0;
    options.job = text_of(values, "job");
    if (values.count("job") > 0 && !is_job_name(options.job))
        return usage("--job: a name has 1 to 64 characters of A-Z, a-z, 0-9, '_', '.' and '-'");
    if (values.count("late") == 0) return {};
    const auto late = parse_duration(text_of(values, "late"));
    if (!late) return usage("--late: a time such as 90s, 30m or 2h is needed");
    options.wait.late = *late;
    return {};
}

Outcome<void> read_time_options(const po::variables_map& values, TimeOptions& options)
{
    const auto mode = time_mode(values);
    if (!mode) return mode.error();
    options.mode = *mode;
    options.large = values.count("large") > 0;
    if (auto fits = expect_form(values, *mode); !fits) return fits;
    if (auto format = read_time_format(values, options); !format) return format;
    if (*mode == TimeOptions::Mode::wait) return read_wait_options(values, options);
    if (*mode != TimeOptions::Mode::check) return {};
    const auto tolerance = parse_tolerance(text_of(values, "check"));
    if (!tolerance) return usage("--check: a time such as 500ms, 2s or 1m is needed");
    options.tolerance = *tolerance;
    return {};
}

} // namespace

Outcome<LoginOptions> parse_login_options(const Arguments& arguments)
{
    return parse_options(arguments, login_description(), read_login_options);
}

Outcome<MkdirOptions> parse_mkdir_options(const Arguments& arguments)
{
    return parse_options(arguments, mkdir_description(), read_mkdir_options);
}

Outcome<LsOptions> parse_ls_options(const Arguments& arguments)
{
    return parse_options(arguments, ls_description(), read_ls_options);
}

Outcome<TreeOptions> parse_tree_options(const Arguments& arguments)
{
    return parse_options(arguments, tree_description(), read_tree_options);
}

Outcome<TimeOptions> parse_time_options(const Arguments& arguments)
{
    return parse_options(arguments, time_description(), read_time_options);
}

Outcome<PlainOptions> parse_plain_options(const Arguments& arguments)
{
    return parse_options<PlainOptions>(arguments, common_description(), expect_no_arguments);
}

std::string login_help()
{
    return help("Usage: ftpc login [OPTION]... [USER][@HOST][:PORT]\n"
                "Log in, so that later commands go on as this user. The password is asked for.\n"
                "Without HOST: the last server, else the environment's FTPC_SERVER, else localhost.\n"
                "Without USER: the last user of that server, else the environment's USER.\n",
                login_description());
}

std::string mkdir_help()
{
    return help("Usage: ftpc mkdir [OPTION]... PATH...\n"
                "Make directories on the server. Paths start at your home there; each path made is printed.\n"
                "With '-' as PATH, paths are read from standard input, one a line.\n",
                mkdir_description());
}

std::string ls_help()
{
    return help(
        "Usage: ftpc ls [OPTION]... [PATH]...\n"
        "List directories on the server, your home there if no PATH is given. Paths start at your home.\n"
        "Names stand in columns on a terminal, else one a line. A directory has a '/' behind its name.\n",
        ls_description());
}

std::string tree_help()
{
    return help("Usage: ftpc tree [OPTION]... [PATH]\n"
                "Show a directory on the server with all that lies beneath it, your home there if no PATH is "
                "given.\n",
                tree_description());
}

std::string time_help()
{
    return help("Usage: ftpc time ['+FORMAT'] [--utc]    show the server's time; FORMAT as of strftime(3)\n"
                "       ftpc time --offset              compare the clock of this machine with it\n"
                "       ftpc time --check TIME          whether the clock is right\n"
                "       ftpc time --wait-until HH:MM [--late TIME] [--or-local] [--job NAME] && COMMAND\n"
                "       ftpc time --set [--large]       set the clock of this machine\n"
                "Ask the server for its time. No login is needed, but the server must be trusted.\n",
                time_description());
}

std::string logout_help()
{
    return help("Usage: ftpc logout [OPTION]...\n"
                "End the login, on the server and here.\n",
                common_description());
}

std::string status_help()
{
    return help("Usage: ftpc status [OPTION]...\n"
                "Show the server and the user of your login, and ask the server whether it is still valid.\n",
                common_description());
}

std::string exit_statuses_help()
{
    return "Exit status:\n"
           "  0  all done\n"
           "  1  some path failed, the server cannot use the home directory, or something on this "
           "machine is "
           "in the way; time: too late, or the clock is off\n"
           "  2  wrong usage\n"
           "  3  not logged in, or login refused\n"
           "  4  the server cannot be reached or has no room (421), or the connection was lost\n"
           "  5  the server is not trusted\n";
}

} // namespace ftpc::client
