// The memory of each user's logins: for `ftpcd why`, and to know the addresses of a user's earlier good
// logins. Bounded, and only of users that exist or did lately. Pure values; login_history_text has the file.
#pragma once

#include "server/auth/state/penalty_table.hpp"
#include "server/ipc/peer_network.hpp"
#include "server/users/user_store.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::server {

struct LoginFrom {
    std::uint64_t time = 0; // seconds since 1970
    ipc::PeerAddress peer{};
    std::string method; // "password", "prehash", "session-key"
    friend bool operator==(const LoginFrom&, const LoginFrom&) = default;
};
struct FailedLogin {
    LoginFrom last;          // of those that failed alike
    std::uint64_t times = 1; // from the same address, by the same method, for the same reason
    std::string reason;
    friend bool operator==(const FailedLogin&, const FailedLogin&) = default;
};
struct KnownNetwork {
    PeerNetwork network{};
    std::uint64_t time = 0; // of the last good login from there
    friend bool operator==(const KnownNetwork&, const KnownNetwork&) = default;
};
struct UserLogins {
    std::uint64_t generation = 0;    // that the known networks hold for
    std::vector<KnownNetwork> known; // the latest last
    std::optional<LoginFrom> good;   // the last one
    std::vector<FailedLogin> failed; // the latest last
    friend bool operator==(const UserLogins&, const UserLogins&) = default;
};

class LoginHistory {
public:
    static constexpr std::size_t max_users = 4096;
    static constexpr std::size_t max_known = 8;
    static constexpr std::size_t max_failed = 10;
    using Users = std::map<std::string, UserLogins, std::less<>>;

    void succeeded(const User& user, const LoginFrom& from);

    // `name` is that of a user.
    void failed(std::string_view name, const LoginFrom& from, std::string_view reason);

    // Whether `user` has logged in from that network well, with the password of today.
    bool knows(const User& user, const ipc::PeerAddress& peer) const;

    // Forgets users that are missing in `users` (perhaps for a moment only) and whose last login, good or
    // failed, was a month before `now`. Returns whether there were any.
    static constexpr std::chrono::seconds kept_when_gone{std::chrono::hours{24 * 30}};
    bool forget_those_gone(const UserStore& users, Moment now);

    const Users& users() const { return users_; }
    void restore(Users users) { users_ = std::move(users); }

private:
    // `now`: seconds since 1970, as in LoginFrom.
    UserLogins& logins_of(std::string_view name, std::uint64_t now);

    Users users_;
};

} // namespace ftpc::server
