// ftpcd: a table of subcommands.

#include "server/auth/auth_process.hpp"
#include "server/config/command_line.hpp"
#include "server/net/net_process.hpp"
#include "server/time/time_process.hpp"
#include "shared/base/text.hpp"
#include "shared/terminal/safe_streams.hpp"
#include "shared/terminal/standard_descriptors.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <iostream>
#include <string_view>

namespace {

using ftpc::server::exit_done;
using ftpc::server::exit_failed;
using ftpc::server::exit_usage;

struct Subcommand {
    std::string_view name;
    int (*run)(const std::vector<std::string>& words);
    std::string_view about; // empty: started by the supervisor only
};

constexpr std::array subcommands{
    Subcommand{"serve", ftpc::server::run_serve,
               "serve clients until SIGTERM; SIGHUP reads settings, certificate and users anew"},
    Subcommand{"user", ftpc::server::run_user,
               "add, passwd, del, lock, unlock, list or show users, set quotas"},
    Subcommand{"why", ftpc::server::run_why, "say why a user cannot log in"},
    Subcommand{"fingerprint", ftpc::server::run_fingerprint,
               "print the fingerprint of the certificate, for your users to compare"},
    Subcommand{"check", ftpc::server::run_check,
               "say all that is wrong with settings, data directory, certificate, tree and kernel"},
    Subcommand{"process-auth",
               [](const std::vector<std::string>&) { return ftpc::server::run_auth_process(); }, ""},
    Subcommand{"process-net", [](const std::vector<std::string>&) { return ftpc::server::run_net_process(); },
               ""},
    Subcommand{"process-time",
               [](const std::vector<std::string>&) { return ftpc::server::run_time_process(); }, ""},
};

void print_usage(std::ostream& out)
{
    out << "Usage: ftpcd SUBCOMMAND [OPTIONS]\n\n"
           "Lets users log in over TLS and make and list directories in a tree of their own.\n\n"
           "Subcommands:\n";
    for (const Subcommand& subcommand : subcommands)
        if (!subcommand.about.empty())
            out << "  " << subcommand.name << std::string(14 - subcommand.name.size(), ' ')
                << subcommand.about << "\n";
    out << "\n`ftpcd SUBCOMMAND --help` shows the options of each. Exit status: 0 done, 1 failed, 2 wrong "
           "usage.\n";
}

int run(const std::vector<std::string>& words)
{
    if (words.empty()) {
        print_usage(std::cerr);
        return exit_usage;
    }
    const std::string& name = words.front();
    if (name == "--help" || name == "-h" || name == "help") {
        print_usage(std::cout);
        return exit_done;
    }
    if (name == "--version") {
        std::cout << "ftpcd " << FTPC_VERSION << "\n";
        return exit_done;
    }
    const auto found = std::find_if(subcommands.begin(), subcommands.end(),
                                    [&](const Subcommand& s) { return s.name == name; });
    if (found == subcommands.end()) {
        std::cerr << "ftpcd: there is no subcommand '" << ftpc::printable(name) << "' (see: ftpcd --help)\n";
        return exit_usage;
    }
    try {
        return found->run({words.begin() + 1, words.end()});
    } catch (const ftpc::server::UsageError& error) {
        const std::string& subcommand = error.subcommand().empty() ? name : error.subcommand();
        std::cerr << "ftpcd: " << error.what() << "\nftpcd: see: ftpcd " << subcommand << " --help\n";
        return exit_usage;
    }
}

} // namespace

int main(int argc, char** argv)
{
    ftpc::open_standard_descriptors();
    ftpc::escape_standard_streams();
    // A file that may not grow (RLIMIT_FSIZE), the log for instance, is an error of that write and not the
    // end.
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
    // So is a reader of standard output that goes away: a command says whether it has changed anything.
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    try {
        const int status = run({argv + std::min(argc, 1), argv + argc});
        if (std::cout.flush()) return status;
        std::cerr << "ftpcd: standard output could not be written\n";
        return status == exit_done ? exit_failed : status;
    } catch (const std::exception& error) {
        std::cerr << "ftpcd: " << error.what() << "\n";
        return exit_failed;
    }
}
