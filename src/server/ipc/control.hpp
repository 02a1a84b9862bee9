// Orders of the supervisor to its children, and their reports. Configure carries descriptors beside it.
#pragma once

#include "shared/base/result.hpp"
#include "shared/crypto/secret.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <variant>

namespace ftpc::server::ipc {

inline constexpr std::size_t max_control_bytes = std::size_t{128} * 1024;
inline constexpr int control_descriptor = 3; // where a child finds its end of the control channel

// First message to each child, and again at each reload (then without descriptors).
// To auth: descriptor 0 is the data directory. To net: descriptor 0 is the tree, then the listening sockets.
// To time: its sockets.
struct Configure {
    std::string settings;        // settings_text()
    std::string certificate_pem; // net only
    SecretText key_pem;          // net only
    SecretText pepper;           // auth only; empty: none
    // The first time. Of the sockets of net so many are for control connections, and the others behind them
    // for data connections. Of those of time so many are for NTP, and the others for the text service.
    std::uint32_t first_sockets = 0;
    friend bool operator==(const Configure&, const Configure&) = default;
};
// With one descriptor: the channel to the other child, in place of any earlier one.
struct Connect {
    std::uint32_t number = 0; // of the channel; each has another
    friend bool operator==(const Connect&, const Connect&) = default;
};
// Finish what is under way and exit with status 0.
struct Stop {
    friend bool operator==(const Stop&, const Stop&) = default;
};
// Is to be answered with Alive from the loop that does the work.
struct Ping {
    friend bool operator==(const Ping&, const Ping&) = default;
};
using Order = std::variant<Configure, Connect, Stop, Ping>;

// The child serves with the settings of the last Configure.
struct Ready {
    std::uint64_t users = 0;      // auth: how many there are
    std::string lockdown;         // what holds the child back: "Landlock ABI 7, seccomp"
    std::string lockdown_missing; // a line for each part of it that this kernel does not have
    friend bool operator==(const Ready&, const Ready&) = default;
};
// The last Configure could not be put into force: at the start the child then exits, later it goes on as
// before.
struct Failed {
    std::string reason; // one line or several, each a full sentence for the administrator
    friend bool operator==(const Failed&, const Failed&) = default;
};
// The answer to a Ping.
struct Alive {
    friend bool operator==(const Alive&, const Alive&) = default;
};
// The channel of that number has broken or ended, and another one is needed.
struct ChannelLost {
    std::uint32_t number = 0; // as in Connect
    friend bool operator==(const ChannelLost&, const ChannelLost&) = default;
};
// Of time, at most once a second: so many requests were beyond the bound of their address.
struct TimeLimitHit {
    std::uint64_t requests = 0;
    std::string peer; // the address of the last one
    friend bool operator==(const TimeLimitHit&, const TimeLimitHit&) = default;
};
using Report = std::variant<Ready, Failed, Alive, ChannelLost, TimeLimitHit>;

SecretText encode(const Order& order);
SecretText encode(const Report& report);
Result<Order> decode_order(std::span<const char> packet);   // fails with Errc::bad_message
Result<Report> decode_report(std::span<const char> packet); // fails with Errc::bad_message

} // namespace ftpc::server::ipc
