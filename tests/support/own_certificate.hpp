// A certificate and key as the server makes them on first use.
#pragma once

#include "server/certificates/certificate.hpp"
#include "support/temporary_directory.hpp"

#include <sys/stat.h>

#include <stdexcept>
#include <string>

namespace ftpc::test {

struct OwnCertificate {
    TemporaryDirectory data;
    server::CertificateFiles files;

    OwnCertificate()
    {
        if (::mkdir(data.path("tls").c_str(), 0700) != 0) throw std::runtime_error{"no directory for TLS"};
        server::Settings settings;
        settings.data = data.path();
        files = server::load_or_make_certificate(settings);
    }
    std::string certificate() const { return files.certificate_pem; }
    std::string key() const { return std::string{view(files.key_pem)}; }
};

} // namespace ftpc::test
