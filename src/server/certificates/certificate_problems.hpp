// Faults of a certificate that can be used all the same. ftpc looks at its key alone; clients that check
// certificates refuse it.
#pragma once

#include "server/config/settings.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace ftpc::server {

enum class NameService {
    ask,  // whether a name of the certificate leads to this machine; may take its time
    leave // go by what this machine knows of itself
};

// Those of the certificate and key that the settings name, each with its file. Examples: not valid at that
// time, not for servers, a chain in the wrong order, a key that another user can read. None if
// a file cannot be read or used: load_certificate() and make_tls_context() say why.
std::vector<Problem> certificate_problems(const Settings& settings, std::chrono::sys_seconds now,
                                          NameService name_service);

// The same as events, without the name service.
void log_certificate_problems(const Settings& settings);

// "CN=files.example.org, issued by CN=Example CA, whose certificate clients need to have". Throws
// std::runtime_error if it cannot be read.
std::string describe_chain(const Settings& settings);

} // namespace ftpc::server
