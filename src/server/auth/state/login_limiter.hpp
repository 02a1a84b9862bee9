// How guessing is slowed. Pure: knows no user store, no socket and no clock; request_handler acts upon its
// verdicts.
//
// By address (network_of): failed logins beyond `address` make the address wait. The first wait takes one
// minute, each further one twice as long, up to an hour. Meanwhile its logins by password are refused without
// being checked, for any user name.
//
// By account, whether there is such a user or not. After failed logins beyond `account` from anywhere, logins
// by password are delayed by one second, then two, four, and at most five. They are not refused. An address
// with an earlier good login to the account is not even delayed: nobody can lock a user out by guessing.
#pragma once

#include "server/auth/state/fair_queue.hpp"
#include "server/auth/state/penalty_table.hpp"
#include "shared/protocol/session_key.hpp"

#include <chrono>
#include <string_view>
#include <vector>

namespace ftpc::server {

struct LoginLimits {
    unsigned address = 10; // failed logins that are free; 0: no limit
    unsigned account = 10;
    std::chrono::seconds forget{600}; // one failed login is forgotten in this time
};

// The key of an account in the limiter's table: 16 bytes of a digest, so that the names that unauthenticated
// clients try are kept nowhere.
PenaltyTable::Key account_key(std::string_view name);

class LoginLimiter {
public:
    static constexpr std::size_t max_addresses = 65536;
    static constexpr std::size_t max_accounts = 65536;
    static constexpr std::size_t max_saved = 2048; // of each

    explicit LoginLimiter(const LoginLimits& limits = {});
    void set_limits(const LoginLimits& limits);

    struct Verdict {
        std::chrono::seconds refused_for{0}; // not zero: refuse, and say how long that lasts
        std::chrono::milliseconds delay{0};  // else wait so long before checking it
        LoginRank rank = 0;                  // then queue it so
    };
    // Judges a login by password. `known`: this address has logged in to this account well before.
    Verdict judge(const ipc::PeerAddress& peer, std::string_view account, bool known, Moment now);

    // How long logins of this address are refused from now on; zero: not at all.
    std::chrono::seconds refused_for(const ipc::PeerAddress& peer, Moment now);

    // Which limits a failure has hit, that is, made longer.
    struct Hit {
        bool address = false;
        bool account = false;
    };
    // A login by password was refused after its check.
    Hit fail(const ipc::PeerAddress& peer, std::string_view account, Moment now);

    // A login by session key was refused because the signature was not that of the key: counts for the
    // address. (A key that is not enrolled does not: it guesses nothing.)
    Hit fail_wrong_signature(const ipc::PeerAddress& peer, const SessionId& id, Moment now);

    // A good login takes back the failed ones of this address at this account, and no others. Otherwise an
    // attacker could clear the address with logins to an own account.
    void succeed(const ipc::PeerAddress& peer, std::string_view account, Moment now);

    // The state that a restart shall not lose. For an account, `penalty_end` is the end of its delays.
    struct State {
        std::vector<PenaltyTable::Saved> addresses;
        std::vector<PenaltyTable::Saved> accounts;
        friend bool operator==(const State&, const State&) = default;
    };
    State save(Moment now) const;
    void restore(const State& state, Moment now);
    // Without penalties that a clock that was ahead has added.
    State bounded(State state, Moment now) const;

private:
    Moment delay_end(Moment forgotten) const;
    Hit fail_of_address(const ipc::PeerAddress& peer, const PenaltyTable::Key& cause, Moment now);

    LoginLimits limits_;
    PenaltyTable addresses_;
    PenaltyTable accounts_;
};

} // namespace ftpc::server
