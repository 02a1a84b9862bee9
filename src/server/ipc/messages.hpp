// The messages between net, which talks to unauthenticated clients, and auth, which keeps the secrets: few
// kinds, each bounded and validated. The process that receives bytes that are not exactly one of these ends
// the channel that they came on.
#pragma once

#include "shared/base/result.hpp"
#include "shared/crypto/secret.hpp"
#include "shared/protocol/prehash.hpp"
#include "shared/protocol/session_key.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace ftpc::server::ipc {

// Large enough for a password of max_password_bytes with the rest of its message, and for max_listed_keys
// session keys.
inline constexpr std::size_t max_message_bytes = 2048;
inline constexpr std::size_t max_listed_keys = 32;
inline constexpr std::size_t max_home_bytes = 512;

using RequestId = std::uint32_t;                  // chosen by net, repeated in the answer
using LoginHandle = std::array<std::uint8_t, 16>; // stands for one successful login on one connection
using PeerAddress = std::array<std::uint8_t, 16>; // IPv6, or IPv4 mapped into it (RFC 4291 §2.5.5.2)

// ---- net to auth
// `user` is a user name, or empty where the client gave something that cannot be one: that costs as much to
// refuse.

// PASS of an ordinary FTP client: auth does the client's step, too, since its queue is what bounds hashing.
struct LogInWithPassword {
    RequestId id = 0;
    std::string user;
    SecretText password;
    PeerAddress peer{};
    friend bool operator==(const LogInWithPassword&, const LogInWithPassword&) = default;
};
struct LogInWithPrehash {
    RequestId id = 0;
    std::string user;
    Prehash prehash;
    PeerAddress peer{};
    friend bool operator==(const LogInWithPrehash&, const LogInWithPrehash&) = default;
};
struct LogInWithSessionKey {
    RequestId id = 0;
    std::string user;
    SessionId session{};
    ChannelBinding binding{};
    SessionSignature signature{};
    PeerAddress peer{};
    friend bool operator==(const LogInWithSessionKey&, const LogInWithSessionKey&) = default;
};
// Good once for each login by password, so that a taken-over net cannot mint logins for others.
struct EnrolSessionKey {
    RequestId id = 0;
    LoginHandle login{};
    SessionPublicKey key{};
    std::uint32_t lifetime_seconds = 0; // 0: as long as the server gives
    friend bool operator==(const EnrolSessionKey&, const EnrolSessionKey&) = default;
};
struct EndSessionKey {
    RequestId id = 0;
    LoginHandle login{};
    bool own = false; // the key that this login was made with; `session` is then all zeros
    SessionId session{};
    friend bool operator==(const EndSessionKey&, const EndSessionKey&) = default;
};
struct ListSessionKeys {
    RequestId id = 0;
    LoginHandle login{};
    friend bool operator==(const ListSessionKeys&, const ListSessionKeys&) = default;
};
// The connection of this login is gone (or logged in anew); there is no answer.
struct LoginEnded {
    LoginHandle login{};
    friend bool operator==(const LoginEnded&, const LoginEnded&) = default;
};
// Nobody waits for the answer to this request any more: it may be left without one, and without work.
struct Withdraw {
    RequestId id = 0;
    friend bool operator==(const Withdraw&, const Withdraw&) = default;
};

// ---- auth to net

// First on every channel, and again whenever users.db has come with another realm.
struct RealmIs {
    std::string realm;
    friend bool operator==(const RealmIs&, const RealmIs&) = default;
};
enum class LoginStatus : std::uint8_t {
    granted = 1,
    refused = 2, // for any reason: the wire never tells
    busy = 3,    // too many logins are waiting to be checked
    limited = 4, // too many refused logins from this address: not checked
};
struct LoginAnswer {
    RequestId id = 0;
    LoginStatus status = LoginStatus::refused;
    LoginHandle login{}; // when granted, else zeros
    std::string home;    // when granted, relative to the tree, else empty
    // The user's own limit of directories (0: any number); none: what the setting max-dirs says, or not
    // granted.
    std::optional<std::uint64_t> max_dirs{};
    std::uint32_t retry_seconds = 0; // when limited: how long the address has to wait, else 0
    friend bool operator==(const LoginAnswer&, const LoginAnswer&) = default;
};
struct EnrolAnswer {
    RequestId id = 0;
    bool enrolled = false; // false: this handle is spent, or its login was not by password
    SessionId session{};
    std::uint64_t expires = 0; // seconds since 1970
    friend bool operator==(const EnrolAnswer&, const EnrolAnswer&) = default;
};
enum class EndStatus : std::uint8_t {
    ended = 1,
    no_such_key = 2, // of this user
    not_written = 3, // the key is as good as before
};
struct EndAnswer {
    RequestId id = 0;
    EndStatus status = EndStatus::no_such_key;
    friend bool operator==(const EndAnswer&, const EndAnswer&) = default;
};
struct ListedKey {
    SessionId session{};
    std::uint64_t created = 0; // seconds since 1970
    std::uint64_t expires = 0;
    friend bool operator==(const ListedKey&, const ListedKey&) = default;
};
struct ListAnswer {
    RequestId id = 0;
    std::vector<ListedKey> keys; // at most max_listed_keys
    friend bool operator==(const ListAnswer&, const ListAnswer&) = default;
};
// The user of this login has another limit of directories from now on.
struct LimitChanged {
    LoginHandle login{};
    std::optional<std::uint64_t> max_dirs{}; // as in LoginAnswer
    friend bool operator==(const LimitChanged&, const LimitChanged&) = default;
};
// The login holds no longer (password changed, user locked or deleted): its connection must be closed.
struct LoginRevoked {
    LoginHandle login{};
    friend bool operator==(const LoginRevoked&, const LoginRevoked&) = default;
};

using Request = std::variant<LogInWithPassword, LogInWithPrehash, LogInWithSessionKey, EnrolSessionKey,
                             EndSessionKey, ListSessionKeys, LoginEnded, Withdraw>;
using Answer =
    std::variant<RealmIs, LoginAnswer, EnrolAnswer, EndAnswer, ListAnswer, LoginRevoked, LimitChanged>;

// One message as one packet of at most max_message_bytes. The sender keeps to the bounds above: a text that
// is longer throws std::length_error.
SecretText encode(const Request& message);
SecretText encode(const Answer& message);

// The one message that `packet` holds. Fails with Errc::bad_message for an unknown kind, a wrong length,
// bytes left over, or a bound exceeded. A user name (other than none) or realm outside its alphabet fails,
// too, and a flag that is neither 0 nor 1.
Result<Request> decode_request(std::span<const char> packet);
Result<Answer> decode_answer(std::span<const char> packet);

} // namespace ftpc::server::ipc
