// ftpc: logs in to an ftpcd server, makes directories there and lists them, and asks for its time.
#include "client/commands/options.hpp"
#include "client/commands/subcommands.hpp"
#include "client/terminal/safe_text.hpp"
#include "shared/terminal/safe_streams.hpp"
#include "shared/terminal/standard_descriptors.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <iostream>

#include <openssl/crypto.h>

namespace ftpc::client {

namespace {

struct Subcommand {
    std::string_view name;
    std::string_view summary;
    ExitStatus (*run)(const Arguments& arguments);
};

ExitStatus wrong_usage(const std::string& what, const std::string& hint)
{
    std::cerr << what << "\nSee: " << hint << '\n';
    return ExitStatus::usage;
}

ExitStatus print(const std::string& text)
{
    std::cout << text;
    return ExitStatus::done;
}

template <class Options>
ExitStatus run(const Arguments& arguments, const char* name, Outcome<Options> (*parse)(const Arguments&),
               std::string (*help)(), ExitStatus (*command)(const Options&))
{
    const auto options = parse(arguments);
    const std::string program = std::string{"ftpc "} + name;
    if (!options) return wrong_usage(program + ": " + options.error().message, program + " --help");
    return options->common.help ? print(help()) : command(*options);
}

constexpr std::array<Subcommand, 7> subcommands{{
    {"login", "log in to a server",
     [](const Arguments& arguments) {
         return run(arguments, "login", parse_login_options, login_help, login);
     }},
    {"mkdir", "make directories",
     [](const Arguments& arguments) {
         return run(arguments, "mkdir", parse_mkdir_options, mkdir_help, mkdir);
     }},
    {"ls", "list directories",
     [](const Arguments& arguments) { return run(arguments, "ls", parse_ls_options, ls_help, ls); }},
    {"tree", "show a directory with all that lies beneath it",
     [](const Arguments& arguments) { return run(arguments, "tree", parse_tree_options, tree_help, tree); }},
    {"time", "show the server's time, compare the clock with it, or wait for a time of its day",
     [](const Arguments& arguments) {
         return run(
             arguments, "time", parse_time_options, time_help,
             +[](const TimeOptions& options) { return time(options, kernel_clock_setter); });
     }},
    {"logout", "end the login",
     [](const Arguments& arguments) {
         return run(arguments, "logout", parse_plain_options, logout_help, logout);
     }},
    {"status", "show whether and where you are logged in",
     [](const Arguments& arguments) {
         return run(arguments, "status", parse_plain_options, status_help, status);
     }},
}};

std::string overview()
{
    std::string text =
        "Usage: ftpc SUBCOMMAND [OPTION]... [ARGUMENT]...\n"
        "Log in to an ftpcd server, make directories there and list them, and ask for its time.\n\n";
    for (const Subcommand& subcommand : subcommands) {
        std::string line = "  " + std::string{subcommand.name};
        line.resize(12, ' ');
        text += line + std::string{subcommand.summary} + "\n";
    }
    return text + "\nMore about each: ftpc SUBCOMMAND --help\n\n" + exit_statuses_help();
}

const Subcommand* find_subcommand(std::string_view name)
{
    const auto* const found =
        std::find_if(subcommands.begin(), subcommands.end(),
                     [&](const Subcommand& subcommand) { return subcommand.name == name; });
    return found == subcommands.end() ? nullptr : found;
}

ExitStatus dispatch(const std::string& name, const Arguments& arguments)
{
    if (name == "--version") return print("ftpc " FTPC_VERSION "\n");
    if (name == "--help" || name == "-h") return print(overview());
    if (name == "help") {
        if (arguments.empty()) return print(overview());
        return dispatch(arguments.front(), {"--help"});
    }
    const Subcommand* subcommand = find_subcommand(name);
    if (subcommand != nullptr) return subcommand->run(arguments);
    return wrong_usage("ftpc: no such subcommand: '" + safe_text(name) + "'", "ftpc --help");
}

int run_program(int argc, char** argv)
{
    // If the reader of our output or the server goes away, that write fails and the program goes on. The same
    // holds for a file that may not grow.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
    // At the end the kernel frees all at once; OpenSSL would do it piece by piece, which shows in so short a
    // life.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
    if (argc < 2) return static_cast<int>(wrong_usage("ftpc: no subcommand is given", "ftpc --help"));
    const ExitStatus status = dispatch(argv[1], Arguments(argv + 2, argv + argc));
    if (std::cout.flush()) return static_cast<int>(status);
    std::cerr << "ftpc: standard output could not be written\n";
    return static_cast<int>(status == ExitStatus::done ? ExitStatus::failed : status);
}

} // namespace

} // namespace ftpc::client

int main(int argc, char** argv)
{
    ftpc::open_standard_descriptors();
    ftpc::escape_standard_streams();
    try {
        return ftpc::client::run_program(argc, argv);
    } catch (const std::exception& surprise) {
        std::cerr << "ftpc: " << surprise.what() << '\n';
        return static_cast<int>(ftpc::client::ExitStatus::failed);
    }
}
