// ftpcd fingerprint

#include "server/certificate.hpp"
#include "server/command_line.hpp"

#include <iostream>

namespace ftpc::server {

int run_fingerprint(const std::vector<std::string>& words)
{
    const boost::program_options::options_description no_options;
    const Arguments arguments = parse_arguments(words, no_options, SettingFlags::all);
    if (arguments.help) {
        print_help(
            "ftpcd fingerprint [OPTIONS]",
            "Prints the fingerprint of the server's certificate, which ftpc shows at the first login. The\n"
            "certificate is made by the first `ftpcd serve`.",
            no_options, SettingFlags::all);
        return exit_done;
    }
    if (!arguments.positional().empty()) throw UsageError{"fingerprint takes no arguments"};
    const std::string pem = load_certificate(arguments.settings).certificate_pem;
    std::cout << describe_certificate(pem).fingerprint << "\n";
    return exit_done;
}

} // namespace ftpc::server
