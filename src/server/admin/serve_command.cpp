#include "server/config/command_line.hpp"
#include "server/supervisor/supervisor.hpp"

namespace ftpc::server {

int run_serve(const std::vector<std::string>& words)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::all);
    if (arguments.help) {
        print_help("ftpcd serve [OPTIONS]",
                   "Serves clients in the foreground until SIGTERM or Ctrl-C. SIGHUP reads settings, "
                   "certificate and\n"
                   "users anew; changed users are in force within a second without it.",
                   no_options, SettingFlags::all);
        return exit_done;
    }
    if (!arguments.positional().empty()) throw UsageError{"serve takes no arguments"};
    Supervisor supervisor{arguments};
    return supervisor.run();
}

} // namespace ftpc::server
