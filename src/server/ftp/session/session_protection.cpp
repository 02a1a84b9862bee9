// Protection of the connections (RFC 4217, RFC 2228).
#include "server/ftp/session/session.hpp"

#include "shared/base/numbers.hpp"

namespace ftpc::server {

void Session::on_tls(TlsVersion version)
{
    forget_login();
    parameters_ = {};
    tls_ = version;
}

Action Session::auth(std::string_view mechanism)
{
    if (tls_ != TlsVersion::none) return Reply{503, "TLS is on already."};
    if (!equal_ignoring_case(mechanism, "TLS")) return Reply{504, "Only AUTH TLS is offered."};
    return StartTls{{234, "Begin TLS."}};
}

Action Session::pbsz(std::string_view size)
{
    if (!is_digits(size)) return bad_argument();
    parameters_.buffer_size_set = true;
    return Reply{200, "PBSZ=0"};
}

Action Session::prot(std::string_view level)
{
    if (!parameters_.buffer_size_set) return Reply{503, "PBSZ 0 first."};
    if (equal_ignoring_case(level, "P")) {
        parameters_.private_data = true;
        return Reply{200, "Protection is private."};
    }
    if (equal_ignoring_case(level, "C")) return Reply{534, "Nothing goes unprotected here."};
    if (equal_ignoring_case(level, "S") || equal_ignoring_case(level, "E"))
        return Reply{536, "TLS has no such level."};
    return Reply{504, "Unknown protection level."};
}

Action Session::ccc(std::string_view)
{
    return Reply{534, "Nothing goes unprotected here."};
}

Action Session::rein(std::string_view)
{
    on_tls(TlsVersion::none);
    return StopTls{{220, "Ready for a new login; TLS ends here."}};
}

} // namespace ftpc::server
