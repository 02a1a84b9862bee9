#include "client/connection/trust.hpp"

#include "client/terminal/safe_text.hpp"

namespace ftpc::client {

namespace {

Failure untrusted(std::string message)
{
    return {ExitStatus::untrusted, std::move(message)};
}

Failure not_vouched_for(const ServerAddress& server, const std::string& ca_file, const std::string& problem)
{
    return untrusted(server.text() + " is not trusted: " + safe_text(ca_file) +
                     " does not vouch for it: " + problem);
}

Failure pin_changed(const KnownServer& known, const std::string& presented, const std::string& where)
{
    return untrusted(
        known.server.text() + " has another key than before, so nothing was sent to it" + "\n  known since " +
        known.first_seen + ": " + known.trust.value +
        "\n  now:" + std::string(known.first_seen.size() + 10, ' ') + presented +
        "\nEither its administrator made a new key, or somebody is posing as this server." +
        "\nAsk the administrator what `ftpcd fingerprint` shows. Only if it is the second line above:" +
        "\n  ftpc login USER@" + known.server.text() + " --pin " + presented + "\n(The old key stands in " +
        safe_text(where) + ".)");
}

Outcome<TrustDecision> decide_by_pin(const ServerAddress& server, const PeerIdentity& peer,
                                     const std::string& pin, const KnownServer* known)
{
    if (peer.fingerprint != pin)
        return untrusted(server.text() + " is not trusted: its key fingerprint is " + peer.fingerprint +
                         ", not " + pin);
    const Trust trust{Trust::Kind::pin, pin};
    const bool remembered = known != nullptr && known->trust == trust;
    return TrustDecision{remembered ? TrustDecision::Kind::known : TrustDecision::Kind::remember, trust};
}

Outcome<TrustDecision> decide_by_ca(const ServerAddress& server, const PeerIdentity& peer,
                                    const std::string& ca_file, const KnownServer* known)
{
    if (!peer.chain_problem.empty()) return not_vouched_for(server, ca_file, peer.chain_problem);
    const Trust trust{Trust::Kind::ca, ca_file};
    const bool remembered = known != nullptr && known->trust == trust;
    return TrustDecision{remembered ? TrustDecision::Kind::known : TrustDecision::Kind::remember, trust};
}

} // namespace

Outcome<TrustDecision> decide_trust(const ServerAddress& server, const PeerIdentity& peer,
                                    const TrustOptions& options, const KnownServer* known,
                                    const std::string& where)
{
    if (!options.pin.empty()) return decide_by_pin(server, peer, options.pin, known);
    if (!options.ca_file.empty()) return decide_by_ca(server, peer, options.ca_file, known);
    if (known == nullptr) {
        const auto kind = options.accept_new ? TrustDecision::Kind::remember : TrustDecision::Kind::ask;
        return TrustDecision{kind, {Trust::Kind::pin, peer.fingerprint}};
    }
    if (known->trust.kind == Trust::Kind::ca) return decide_by_ca(server, peer, known->trust.value, known);
    // protection: known-server
    if (known->trust.value != peer.fingerprint) return pin_changed(*known, peer.fingerprint, where);
    return TrustDecision{TrustDecision::Kind::known, known->trust};
}

Failure realm_changed(const KnownServer& known, const std::string& announced, const std::string& where)
{
    return untrusted(known.server.text() +
                     " has the key that is known, but another realm (user store), so no password was sent" +
                     "\n  known since " + known.first_seen + ": " + known.realm +
                     "\n  now:" + std::string(known.first_seen.size() + 10, ' ') + announced +
                     "\nEither its administrator made a new users.db, or the server is collecting logins for "
                     "another one." +
                     "\nAsk the administrator. Only if the users.db is new: remove " + safe_text(where) +
                     ", and log in again");
}

} // namespace ftpc::client
