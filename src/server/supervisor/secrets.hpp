// The certificate with its key and the pepper, as they are in force.
#pragma once

#include "server/config/settings.hpp"
#include "server/ipc/control.hpp"
#include "server/supervisor/child.hpp"
#include "shared/crypto/secret.hpp"

#include <chrono>
#include <string>

namespace ftpc::server {

class Secrets {
public:
    // Reads them, or makes a certificate, and tries them out: a broken one is refused here, not in a child.
    // True if the certificate is another one. Throws std::runtime_error with the file and the reason; then
    // nothing has changed.
    bool load(const Settings& settings);

    // Once a day, and after the system's clock was set: a certificate may run out, or the administrator has
    // replaced it.
    bool is_check_due() const;
    void put_off_check() { checked_ = {}; }

    std::string fingerprint() const;

    // The settings, and only the secrets that the child works with.
    ipc::Configure configuration(const ChildRole& role, const Settings& settings) const;

private:
    std::string certificate_pem_;
    SecretText key_pem_;
    SecretText pepper_;
    // Two, since the system's clock may be set.
    struct Clocks {
        std::chrono::steady_clock::time_point steady = std::chrono::steady_clock::now();
        std::chrono::system_clock::time_point system = std::chrono::system_clock::now();
    };
    Clocks checked_;
};

} // namespace ftpc::server
