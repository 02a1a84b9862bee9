#include "client/connection/trusted_connection.hpp"

#include "client/terminal/dates.hpp"

namespace ftpc::client {

namespace {

std::string place_of(const KnownServers& servers, const ServerAddress& server, const StateDirectory& state)
{
    return "line " + std::to_string(servers.line_of(server)) + " of " + state.path_of(known_servers_file);
}

// The CA file to check the server with; empty if it is recognised by its key.
std::string ca_file_for(const TrustOptions& options, const KnownServer* known)
{
    if (!options.ca_file.empty() || !options.pin.empty()) return options.ca_file;
    return known != nullptr && known->trust.kind == Trust::Kind::ca ? known->trust.value : "";
}

Outcome<void> ask_about(const ServerAddress& server, const std::string& fingerprint,
                        const ConnectSettings& settings)
{
    const auto agreed = settings.ask(server.text() + " is new here. Its key fingerprint is " + fingerprint +
                                     "\nTrust it from now on? [y/N] ");
    if (!agreed)
        return Failure{ExitStatus::untrusted,
                       server.text() + " is new here, and there is no terminal to ask whether to trust it" +
                           "\nIts key fingerprint is " + fingerprint +
                           "\nIf that is what `ftpcd fingerprint` shows on the server: --pin " + fingerprint +
                           "\nOther ways: --ca FILE, or --accept-new to trust any server at first sight"};
    if (*agreed == Answer::no)
        return Failure{ExitStatus::untrusted, server.text() + " is not trusted; nothing was sent to it"};
    return {};
}

} // namespace

Outcome<ControlConnection> open_trusted_connection(const ServerAddress& server,
                                                   const ConnectSettings& settings,
                                                   const StateDirectory& state)
{
    const auto servers = load_known_servers(state);
    if (!servers) return servers.error();
    const KnownServer* known = servers->find(server);

    auto connection = ControlConnection::open(server, ca_file_for(settings.trust, known), settings.allowance,
                                              settings.dates);
    if (!connection) return connection;
    const PeerIdentity peer = connection->peer();
    const auto decision =
        decide_trust(server, peer, settings.trust, known, place_of(*servers, server, state));
    if (!decision) return decision.error();
    if (decision->kind == TrustDecision::Kind::known) return connection;

    if (decision->kind == TrustDecision::Kind::ask) {
        // Nothing is asked that could not be kept.
        if (auto ready = state.prepare(known_servers_file); !ready) return ready.error();
        if (auto agreed = ask_about(server, peer.fingerprint, settings); !agreed) return agreed.error();
    }
    const KnownServer entry{server, "", format_date(now_in_seconds()), decision->trust};
    if (auto remembered = remember_server(state, entry); !remembered) return remembered.error();
    return connection;
}

Outcome<void> check_realm(const ServerAddress& server, const std::string& announced,
                          const StateDirectory& state)
{
    const auto servers = load_known_servers(state);
    if (!servers) return servers.error();
    const KnownServer* known = servers->find(server);
    if (known == nullptr)
        return Failure{ExitStatus::failed, server.text() + " has just been removed from the known servers"};
    if (known->realm == announced) return {};
    if (!known->realm.empty()) return realm_changed(*known, announced, place_of(*servers, server, state));
    KnownServer entry = *known;
    entry.realm = announced;
    return remember_server(state, entry);
}

} // namespace ftpc::client
