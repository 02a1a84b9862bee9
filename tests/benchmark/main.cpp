// ftp_load: puts a load on any FTP server with explicit TLS, or measures a limit of this machine. The result
// is one JSON object a line.
//
//   ftp_load directories --server 127.0.0.1:2121 --user alice --sessions 16 --in-flight 16 --seconds 2
//   <password ftp_load openat2 --at /tmp/somewhere

#include "benchmark/credentials.hpp"
#include "benchmark/directories_load.hpp"
#include "benchmark/idle_load.hpp"
#include "benchmark/limits.hpp"
#include "benchmark/listing_load.hpp"
#include "benchmark/login_load.hpp"
#include "benchmark/mkdir_beside_listing.hpp"
#include "benchmark/thread_load.hpp"
#include "benchmark/time_load.hpp"

#include <signal.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <stdexcept>
#include <string>
#include <type_traits>

#include <boost/program_options.hpp>

namespace {

using namespace ftpc::benchmark;
namespace po = boost::program_options;
using Options = po::variables_map;

template <class T>
T get(const Options& options, const char* name)
{
    if (options.count(name) == 0) throw std::runtime_error{std::string{"this needs --"} + name};
    return options[name].as<T>();
}

// The server, and how to log in; the password is the first line of standard input.
struct Login {
    explicit Login(const Options& options)
        : target{parse_target(get<std::string>(options, "server"))}, context{make_client_context()}
    {
        std::string password;
        std::getline(std::cin, password);
        credentials = make_credentials(get<std::string>(options, "login"), target, context.get(),
                                       get<std::string>(options, "user"), password);
    }

    Target target;
    TlsContext context;
    Credentials credentials;
};

DirectoriesPlan plan_of(const Options& options)
{
    DirectoriesPlan plan;
    plan.prefix = get<std::string>(options, "prefix");
    plan.in_flight = get<unsigned>(options, "in-flight");
    plan.seconds = get<double>(options, "seconds");
    plan.count = get<std::uint64_t>(options, "count");
    plan.depth = get<unsigned>(options, "depth");
    plan.site_mkdir = options.count("site-mkdir") != 0;
    plan.own_parent = options.count("own-parent") != 0;
    return plan;
}

template <class Result>
boost::json::object result_of(const Result& result)
{
    if constexpr (std::is_same_v<Result, boost::json::object>)
        return result;
    else
        return result.to_json();
}

// With --on-order the caller can read the server's clocks while all sessions are logged in and at rest:
// before the load, and after it.
template <class Load>
void run_on_order(const Options& options, Load load)
{
    const bool on_order = options.count("on-order") != 0;
    std::string order;
    if (on_order) {
        std::cout << boost::json::object{{"open", get<unsigned>(options, "sessions")}} << std::endl;
        std::getline(std::cin, order);
    }
    std::cout << result_of(load()) << std::endl;
    if (on_order) std::getline(std::cin, order);
}

void directories(const Options& options)
{
    const Login login{options};
    const auto plan = plan_of(options);
    const auto sessions = get<unsigned>(options, "sessions");
    if (options.count("thread-per-session") != 0) {
        ThreadLoad load{login.target, login.context.get(), login.credentials, sessions, plan};
        run_on_order(options, [&] { return load.run(); });
    } else {
        EventLoop loop;
        SessionPool pool{loop, login.target, login.context.get(), login.credentials};
        pool.open(sessions, get<unsigned>(options, "at-once"));
        run_on_order(options, [&] { return DirectoriesLoad{pool, plan}.run(); });
    }
}

ListingPlan listing_plan_of(const Options& options)
{
    return {get<std::string>(options, "path"), get<std::uint64_t>(options, "entries")};
}

void listings(const Options& options)
{
    const Login login{options};
    const auto plan = listing_plan_of(options);
    ListingLoad load{login.target, login.context.get(), login.credentials, get<unsigned>(options, "sessions"),
                     plan};
    run_on_order(options, [&] { return load.run(get<double>(options, "seconds")); });
}

void mkdir_beside_listing(const Options& options)
{
    const Login login{options};
    std::cout << run_mkdir_beside_listing(login.target, login.context.get(), login.credentials,
                                          plan_of(options), listing_plan_of(options))
              << "\n";
}

template <TimeQuestion question>
void ask_for_time(const Options& options)
{
    TimeLoad load{parse_target(get<std::string>(options, "server"))};
    std::string password; // is for nobody
    std::getline(std::cin, password);
    run_on_order(options, [&] {
        return load.run({question, get<unsigned>(options, "in-flight"), get<double>(options, "seconds")});
    });
}

void logins(const Options& options)
{
    const Login login{options};
    std::cout << run_logins(login.target, login.context.get(), login.credentials,
                            get<unsigned>(options, "sessions"), get<double>(options, "seconds"))
              << "\n";
}

void idle(const Options& options)
{
    const Login login{options};
    run_idle(login.target, login.context.get(), login.credentials, get<unsigned>(options, "sessions"),
             std::cin, std::cout);
}

template <DirectoryCalls calls>
void bare_directories(const Options& options)
{
    std::cout << measure_directories({calls, get<std::string>(options, "at"),
                                      get<unsigned>(options, "threads"), get<bool>(options, "one-parent"),
                                      get<double>(options, "seconds")})
              << "\n";
}

void growth(const Options& options)
{
    const auto count = get<std::uint64_t>(options, "count");
    std::cout << measure_growth(get<std::string>(options, "at"), count,
                                std::max<std::uint64_t>(1, count * 3 / 100))
              << "\n";
}

void handshakes(const Options& options)
{
    std::cout << measure_handshakes(get<std::string>(options, "certificate"),
                                    get<std::string>(options, "key"), get<unsigned>(options, "sessions"),
                                    get<double>(options, "seconds"))
              << "\n";
}

void ping_pong(const Options& options)
{
    std::cout << measure_ping_pong(get<unsigned>(options, "request-bytes"),
                                   get<unsigned>(options, "reply-bytes"), get<double>(options, "seconds"))
              << "\n";
}

void scrypt_time(const Options& options)
{
    std::cout << measure_scrypt(
                     {get<unsigned>(options, "ln"), get<unsigned>(options, "r"), get<unsigned>(options, "p")},
                     get<unsigned>(options, "runs"))
              << "\n";
}

struct Subcommand {
    std::string_view name;
    std::string_view what;
    void (*run)(const Options&);
};
constexpr std::array subcommands{
    Subcommand{"directories", "makes directories, with commands in flight on any number of sessions",
               directories},
    Subcommand{"listings", "lists a directory again and again, each time over a new data connection",
               listings},
    Subcommand{"mkdir-beside-listing", "makes directories while another session lists", mkdir_beside_listing},
    Subcommand{"logins", "logs in again and again, with so many sessions at once", logins},
    Subcommand{"ntp", "asks for the time over NTP, with requests in flight", ask_for_time<TimeQuestion::ntp>},
    Subcommand{"time-text", "asks for the time as text", ask_for_time<TimeQuestion::text>},
    Subcommand{"idle", "holds sessions open, and does what standard input says (idle_load.hpp)", idle},
    Subcommand{"mkdirat", "limit: mkdirat alone", bare_directories<DirectoryCalls::mkdirat>},
    Subcommand{"openat2", "limit: openat2, mkdirat, close",
               bare_directories<DirectoryCalls::openat2_mkdirat>},
    Subcommand{"fsync", "limit: mkdirat, fsync of the parent",
               bare_directories<DirectoryCalls::mkdirat_fsync>},
    Subcommand{"growth", "limit: mkdirat, --count of them in one directory, the first and the last 3 %",
               growth},
    Subcommand{"handshakes", "limit: TLS 1.3 handshakes, with the client of the logins", handshakes},
    Subcommand{"ping-pong", "limit: messages to and fro over loopback", ping_pong},
    Subcommand{"scrypt", "limit: the time of a hash", scrypt_time},
};

po::options_description describe()
{
    po::options_description all{"options"};
    auto add = all.add_options();
    add("help", "show this text");
    add("server", po::value<std::string>(), "ADDRESS:PORT");
    add("user", po::value<std::string>(), "name; the password is the first line of standard input");
    add("login", po::value<std::string>()->default_value("password"),
        "password, or for ftpcd prehash or session-key");
    add("sessions", po::value<unsigned>()->default_value(1), "how many at the same time");
    add("at-once", po::value<unsigned>()->default_value(16), "how many of them log in at the same time");
    add("seconds", po::value<double>()->default_value(1), "how long to measure");
    add("count", po::value<std::uint64_t>()->default_value(0),
        "how many to make instead, however long it takes");
    add("in-flight", po::value<unsigned>()->default_value(1), "commands of a session ahead of their replies");
    add("prefix", po::value<std::string>()->default_value("d"), "what new names begin with");
    add("depth", po::value<unsigned>()->default_value(1),
        "make whole paths of so many names, a MKD for each");
    add("site-mkdir", "... or one SITE MKDIR for each path");
    add("own-parent", "each session in a directory of its own");
    add("thread-per-session", "each session in a thread of its own, instead of all in one with epoll");
    add("on-order", "say when all are logged in, begin with the next line of standard input, and keep the "
                    "sessions open until the line after it");
    add("path", po::value<std::string>(), "the directory to list");
    add("entries", po::value<std::uint64_t>(),
        "how many directories it has; a listing with more or fewer is a failure");
    add("at", po::value<std::string>(), "the directory for a limit");
    add("threads", po::value<unsigned>()->default_value(1),
        "threads for a limit, each in a directory of its own");
    add("one-parent", po::bool_switch(), "all threads of a limit in the same directory");
    add("certificate", po::value<std::string>(), "PEM file, for handshakes");
    add("key", po::value<std::string>(), "PEM file, for handshakes");
    add("request-bytes", po::value<unsigned>()->default_value(36), "for ping-pong");
    add("reply-bytes", po::value<unsigned>()->default_value(50), "for ping-pong");
    add("ln", po::value<unsigned>()->default_value(15), "for scrypt");
    add("r", po::value<unsigned>()->default_value(8), "for scrypt");
    add("p", po::value<unsigned>()->default_value(3), "for scrypt");
    add("runs", po::value<unsigned>()->default_value(5), "for scrypt");
    return all;
}

int show_help(const po::options_description& description)
{
    std::cout << "usage: ftp_load WHAT [OPTION...]\n\n";
    for (const auto& subcommand : subcommands)
        std::cout << "  " << subcommand.name << ": " << subcommand.what << "\n";
    std::cout << "\n" << description;
    return 0;
}

int run(int argc, char** argv)
{
    const auto description = describe();
    if (argc < 2 || argv[1] == std::string_view{"--help"}) return show_help(description);
    Options options;
    po::store(po::parse_command_line(argc - 1, argv + 1, description), options);
    if (options.count("help") != 0) return show_help(description);
    for (const auto& subcommand : subcommands)
        if (subcommand.name == argv[1]) {
            subcommand.run(options);
            return 0;
        }
    throw std::runtime_error{std::string{argv[1]} + " is nothing that this can do; see --help"};
}

} // namespace

int main(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN); // a server that is gone is an error like others
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "ftp_load: " << error.what() << "\n";
        return 1;
    }
}
