// The errors of ftpc itself. System errors (errno) stay in the system category beside these.
#pragma once

#include "shared/base/result.hpp"

namespace ftpc {

enum class Errc {
    unknown_verb = 1,   // not a command of this protocol (reply 500)
    bad_argument,       // argument missing, malformed or superfluous (501)
    control_character,  // NUL or another control character in a name (501)
    not_utf8,           // text that is not well-formed UTF-8 (501)
    name_too_long,      // path component over 255 bytes or path over 4,096 (553)
    too_deep,           // path with more than 64 components (552)
    bad_base64,         // not canonical unpadded base64
    bad_user_name,      // outside [a-z_][a-z0-9_.-]{0,31}
    empty_password,     // passwords have at least one byte
    long_password,      // passwords have at most 1,024 bytes
    bad_hash,           // not a password hash in the PHC form that this program writes
    bad_message,        // a message between processes that breaks their protocol
    over_quota,         // as many directories as the user may have (552)
    must_count,         // whether there are too many has to be counted first: hand it to a thread
    would_wait,         // would have to wait for a file system: hand it to a thread that may
    too_many_waiting,   // too many others wait for this file system (450)
    directory_exists,   // MKD of a directory that is there already (521)
    no_passive_port,    // every port for data connections waits for this client already (425)
    no_data_ports,      // the server has no port for data connections at all (425)
    users_db_missing,   // no users.db where there must be one
    unsafe_permissions, // a file or directory that others can read or change
    cannot_sync,        // a file system that cannot put a directory on disk, alone or with all others (451)
    crypto_failed,      // OpenSSL refused an operation that cannot fail on sound input
};

// Turns an Errc into an error_code. Its message() is one plain sentence without a full stop.
error_code make_error_code(Errc code);

} // namespace ftpc

namespace boost::system {
template <>
struct is_error_code_enum<ftpc::Errc> : std::true_type {};
} // namespace boost::system
