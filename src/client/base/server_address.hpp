// HOST:PORT, and the "[USER][@HOST][:PORT]" that `ftpc login` takes.
#pragma once

#include "client/base/failure.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ftpc::client {

inline constexpr std::uint16_t default_port = 2121;

struct ServerAddress {
    std::string host; // lower case; an IPv6 address without its brackets
    std::uint16_t port = default_port;

    // "host:port" or "[address]:port": the name that a server is remembered by.
    std::string text() const;

    friend bool operator==(const ServerAddress&, const ServerAddress&) = default;
};

// HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT or a bare IPv6 address. Fails with ExitStatus::usage and says
// what is wrong with it.
Outcome<ServerAddress> parse_server(std::string_view text);

// The parts of a login target that were given; choose_server() and the saved logins fill in the rest.
struct LoginTarget {
    std::optional<std::string> user;
    std::optional<std::string> host;
    std::optional<std::uint16_t> port;
};

// [USER][@HOST][:PORT]. Fails with ExitStatus::usage.
Outcome<LoginTarget> parse_login_target(std::string_view text);

// The server that a login goes to: the target's host, else `last` (the server of the last login), else
// `environment` (FTPC_SERVER, empty if not set). Without any of them it is localhost. A port in the target
// goes before any other. Fails with ExitStatus::usage when `environment` is needed and malformed.
Outcome<ServerAddress> choose_server(const LoginTarget& target, const std::optional<ServerAddress>& last,
                                     std::string_view environment);

} // namespace ftpc::client
