// The things that a session asks of its connection. Those that say "then on_…()" end with that call of the
// session, which puts the result into words.
#pragma once

#include "server/listing/facts.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/protocol/prehash.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"
#include "shared/protocol/session_key.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace ftpc::server {

// ---- the connection; a Reply is sent as it is

struct LastReply { // send, then close the connection
    Reply reply;
    std::optional<Reply> before{}; // the reply to the command, if it has one of its own
};
struct StartTls { // send, hand over to the TLS handshake, then call on_tls()
    Reply reply;
};
struct StopTls { // send, close TLS in both directions; the session is new and in clear
    Reply reply;
};

// ---- logins and session keys

struct LogInByPassword { // then on_login()
    std::string user;    // empty: not a name that any user can have
    SecretText password;
};
struct LogInByPrehash { // then on_login()
    std::string user;
    Prehash prehash;
};
struct LogInBySessionKey { // then on_login()
    std::string user;
    SessionId session{};
    SessionSignature signature{};
};
struct EnrolKey { // then on_key_enrolled()
    SessionPublicKey key{};
    std::uint32_t lifetime_seconds = 0; // 0: not asked for
};
struct EndKey {                       // then on_key_ended()
    std::optional<SessionId> session; // none: the key of this login
};
struct ListKeys {}; // then on_keys_listed()

// ---- directories

struct ChangeDirectory { // then on_directory_changed()
    RemotePath path;
};
struct MakeDirectory { // then on_directory_made()
    RemotePath path;
    bool in_working_directory; // path is one plain name beneath the working directory
};
struct MakePath { // with its parents; then on_path_made()
    RemotePath path;
};

// ---- data connections

struct OpenPassivePort {         // PASV, EPSV; then on_passive_port()
    bool extended = false;       // EPSV
    std::optional<int> family{}; // EPSV 1 or EPSV 2 (RFC 2428 §2): 1 IPv4, 2 IPv6, others unknown
};
struct SendListing { // LIST, NLST, MLSD: over the data connection
    ListingForm form;
    RemotePath path;
    FactSet facts; // MLSD
};
struct AbortTransfer {}; // ABOR; on_nothing_to_abort() if none is under way

// ---- facts over the control connection

struct ShowFacts { // MLST; then on_facts()
    RemotePath path;
    FactSet facts;
};
struct ShowStatus { // STAT with a path: a LIST over the control connection, of at most 1,000 entries
    RemotePath path;
};
struct ShowSize { // SIZE; then on_size()
    RemotePath path;
};
struct ShowModified { // MDTM; then on_modified()
    RemotePath path;
};
struct ListTree { // SITE MLSD
    RemotePath path;
    unsigned depth; // 0: the path alone; at most 32
};

// ---- the clock

struct TellTime {}; // SITE TIME; then on_time()

using Action = std::variant<Reply, LastReply, StartTls, StopTls, LogInByPassword, LogInByPrehash,
                            LogInBySessionKey, EnrolKey, EndKey, ListKeys, ChangeDirectory, MakeDirectory,
                            MakePath, OpenPassivePort, SendListing, AbortTransfer, ShowFacts, ShowStatus,
                            ShowSize, ShowModified, ListTree, TellTime>;

// ---- results of these

// The outcomes of a login. `unavailable`: auth could not be asked. `home_unusable`: the home cannot be
// opened. `limited`: not checked, after too many refused logins from the client's address.
enum class LoginOutcome {
    granted,
    refused,
    busy,
    unavailable,
    home_unusable,
    too_many_sessions,
    turned_out, // to make room for others, while the login was checked
    limited,
};

// The place where the server waits for one data connection.
struct PassivePort {
    std::optional<std::array<std::uint8_t, 4>> ipv4; // none: the control connection is over IPv6
    std::uint16_t port = 0;
};

// The answer to SITE TIME. Points in time are those of this machine's clock, counted from
// 1970-01-01T00:00:00Z.
struct ServerTime {
    enum class State { synchronised, local, unsynchronised };

    std::chrono::nanoseconds received{}; // the bytes of the command had been read
    std::chrono::nanoseconds sent{};     // the reply is made
    State state = State::unsynchronised;
    std::chrono::microseconds max_error{}; // of this machine's clock, as the kernel states it
    long zone_offset = 0;                  // seconds east of UTC
};

} // namespace ftpc::server
