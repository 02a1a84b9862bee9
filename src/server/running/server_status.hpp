// The answer of a running server to the administrator's commands.
#pragma once

#include "server/running/opened_directory.hpp"
#include "shared/crypto/secret.hpp"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ftpc::server {

struct RunningChild {
    std::string name; // "net"
    pid_t pid = 0;    // 0: it is about to be started again
    friend bool operator==(const RunningChild&, const RunningChild&) = default;
};

// Requests for the time that were left without an answer since they were beyond the bound of their address.
// Counted since the server started.
struct TimeLimitHits {
    std::uint64_t requests = 0;
    std::string last_peer;
    std::uint64_t last_time = 0; // seconds since 1970
    friend bool operator==(const TimeLimitHits&, const TimeLimitHits&) = default;
};

struct ServerStatus {
    pid_t pid = 0; // of the supervisor
    std::string version;
    std::uint64_t started = 0; // seconds since 1970
    std::string config_file;   // absolute; empty: none
    OpenedDirectory data;
    OpenedDirectory tree;
    std::vector<std::string> listening;   // "[::]:2121"
    std::vector<std::string> ntp{};       // the addresses where it answers NTP
    std::vector<std::string> time_text{}; // and those of the text service
    TimeLimitHits time_limit_hits{};
    std::string fingerprint; // of the certificate's key, as ftpc shows it
    std::vector<RunningChild> children;
    friend bool operator==(const ServerStatus&, const ServerStatus&) = default;
};

inline constexpr std::size_t max_status_bytes = std::size_t{128} * 1024;

// One packet of names and values. Server and command may be of different versions: names that are new to the
// reader are left out. Throws std::length_error beyond max_status_bytes.
SecretText encode(const ServerStatus& status);

// Fails with Errc::bad_message where pid, DATA or the tree are missing, a number is none, or a text is cut.
Result<ServerStatus> decode_status(std::span<const char> packet);

} // namespace ftpc::server
