#include "server/admin/in_force.hpp"
#include "server/certificates/certificate.hpp"
#include "server/config/command_line.hpp"
#include "shared/base/result.hpp"

#include <unistd.h>

#include <iostream>

namespace ftpc::server {

namespace po = boost::program_options;

int run_fingerprint(const std::vector<std::string>& words)
{
    po::options_description options{"Options"};
    options.add_options()("certificate-hashes",
                          "print the SHA-256 and SHA-1 of the certificate, which other clients show")(
        "pem", "print the certificate itself, for clients that take a file of certificates to trust");
    const auto arguments =
        parse_or_help(words, SettingFlags::all, "fingerprint",
                      "Prints the fingerprint of the server's key, which ftpc shows at the first login. With "
                      "a --certificate\nof your own give the same settings as to `ftpcd serve`.",
                      options);
    if (!arguments) return exit_done;
    const std::string file = arguments->settings.certificate_file();
    if (arguments->settings.certificate.empty() && ::access(file.c_str(), F_OK) != 0)
        throw std::runtime_error{
            file + ": " + last_system_error().message() +
            " (the first `ftpcd serve` makes it; a certificate of your own is found with the same "
            "--config, or --certificate and --key, as of `ftpcd serve`)"};
    const std::string pem = load_certificate(arguments->settings).certificate_pem;
    const CertificateDescription description = describe_certificate(pem);
    if (arguments->values.count("pem") != 0)
        std::cout << pem;
    else if (arguments->values.count("certificate-hashes") != 0)
        std::cout << "SHA-256 " << description.sha256 << "\nSHA-1 " << description.sha1 << "\n";
    else
        std::cout << description.fingerprint << "\n";
    const auto problems = servers_with_other_key(*arguments, file, description.fingerprint);
    print_problems(problems);
    return problems.empty() ? exit_done : exit_failed;
}

} // namespace ftpc::server
