// The servers that this user has agreed to talk to, and how each is recognised.
//
// The file known_servers holds one server a line. Lines that begin with '#' and empty lines are left as they
// are, apart from their line ends (shared/base/text_lines.hpp):
//     HOST:PORT REALM FIRST-SEEN pin=SHA256:FINGERPRINT
//     HOST:PORT REALM FIRST-SEEN ca=/PATH/OF/CA.pem
// REALM is '-' until a login has learned it, FIRST-SEEN a date (2026-11-29).
#pragma once

#include "client/base/failure.hpp"
#include "client/base/server_address.hpp"
#include "client/state/state_directory.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::client {

// How a server is recognised.
struct Trust {
    enum class Kind { pin, ca };
    Kind kind;
    std::string value; // the fingerprint, or the absolute path of a file with CA certificates

    friend bool operator==(const Trust&, const Trust&) = default;
};

struct KnownServer {
    ServerAddress server;
    std::string realm; // empty until a login has learned it
    std::string first_seen;
    Trust trust;

    friend bool operator==(const KnownServer&, const KnownServer&) = default;
};

class KnownServers {
public:
    // Fails with ExitStatus::failed and "line N: reason".
    static Outcome<KnownServers> parse(std::string_view text);

    // Nothing if the server is not known. Valid until the next put().
    const KnownServer* find(const ServerAddress& server) const;

    // The line, counted from 1, on which find() found it; 0 if it is not known.
    std::size_t line_of(const ServerAddress& server) const;

    // Adds the server, or replaces the line that it has.
    void put(const KnownServer& known);

    // The file's contents.
    std::string text() const;

private:
    struct Line {
        std::string text;
        std::optional<KnownServer> known;
    };
    std::vector<Line> lines_;
};

inline constexpr const char* known_servers_file = "known_servers";

// Both fail with ExitStatus::failed; a broken line is named with its file.
Outcome<KnownServers> load_known_servers(const StateDirectory& state);
Outcome<void> remember_server(const StateDirectory& state, const KnownServer& known);

} // namespace ftpc::client
