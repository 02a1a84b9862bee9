// Which TLS a connection speaks.
#pragma once

namespace ftpc::server {

enum class TlsVersion { none, tls_1_2, tls_1_3 };

} // namespace ftpc::server
