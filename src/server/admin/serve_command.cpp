#include "server/config/command_line.hpp"
#include "server/supervisor/descriptor_limit.hpp"
#include "server/supervisor/supervisor.hpp"

#include <stdexcept>

namespace ftpc::server {

int run_serve(const std::vector<std::string>& words)
{
    const auto arguments =
        parse_or_help(words, SettingFlags::all, "serve",
                      "Serves clients in the foreground until SIGTERM or Ctrl-C. SIGHUP reads settings, "
                      "certificate and\nusers anew; changed users are in force within a second without it.");
    if (!arguments) return exit_done;
    // protection: enough-descriptors
    if (const auto problem = descriptor_problem(arguments->settings); !problem.empty())
        throw std::runtime_error{problem};
    raise_descriptor_limit();
    Supervisor supervisor{*arguments};
    return supervisor.run();
}

} // namespace ftpc::server
