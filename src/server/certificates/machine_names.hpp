// The names and addresses under which this machine knows itself. Nothing here asks the name service.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace ftpc::server {

// Labels of letters, digits, `-` and `_` with dots between them, as a certificate may have it (RFC 1123
// §2.1); no wildcard.
bool is_host_name(std::string_view text);

// gethostname(2); empty if that is no host name, as "(none)" is.
std::string host_name();

// Of all interfaces, as text, without link-local ones; 127.0.0.1 and ::1 are always among them.
std::set<std::string> interface_addresses();

} // namespace ftpc::server
