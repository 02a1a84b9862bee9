#include "server/supervisor/secrets.hpp"

#include "server/certificates/certificate.hpp"
#include "server/certificates/certificate_problems.hpp"
#include "server/transport/tls/tls_context.hpp"
#include "server/users/pepper.hpp"

#include <stdexcept>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::chrono::hours check_interval{24};
constexpr std::chrono::minutes clock_tolerance{1};

} // namespace

bool Secrets::load(const Settings& settings)
{
    put_off_check();
    CertificateFiles files = load_or_make_certificate(settings);
    try {
        make_tls_context(files.certificate_pem, view(files.key_pem));
    } catch (const std::runtime_error& error) {
        throw std::runtime_error{settings.certificate_file() + ": " + error.what()};
    }
    pepper_ = read_pepper_file(settings.pepper_file);
    key_pem_ = std::move(files.key_pem);
    log_certificate_problems(settings);
    return std::exchange(certificate_pem_, files.certificate_pem) != files.certificate_pem;
}

bool Secrets::is_check_due() const
{
    const Clocks now;
    const auto passed = now.steady - checked_.steady;
    const auto by_system_clock = now.system - checked_.system;
    return passed > check_interval || std::chrono::abs(by_system_clock - passed) > clock_tolerance;
}

std::string Secrets::fingerprint() const
{
    return describe_certificate(certificate_pem_).fingerprint;
}

ipc::Configure Secrets::configuration(const ChildRole& role, const Settings& settings) const
{
    ipc::Configure configure{settings_text(settings), {}, {}, {}, 0};
    if (role.pepper) configure.pepper = pepper_;
    if (role.certificate) {
        configure.certificate_pem = certificate_pem_;
        configure.key_pem = key_pem_;
    }
    return configure;
}

} // namespace ftpc::server
