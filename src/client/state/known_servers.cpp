#include "client/state/known_servers.hpp"

#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/protocol/command.hpp"
#include "shared/protocol/fingerprint.hpp"

#include <algorithm>

namespace ftpc::client {

namespace {

constexpr std::string_view no_realm_yet = "-";
constexpr std::string_view pin_prefix = "pin=";
constexpr std::string_view ca_prefix = "ca=";

bool is_date(std::string_view text)
{
    constexpr std::string_view shape = "dddd-dd-dd";
    return std::equal(text.begin(), text.end(), shape.begin(), shape.end(),
                      [](char c, char wanted) { return wanted == 'd' ? c >= '0' && c <= '9' : c == wanted; });
}

std::optional<Trust> parse_trust(std::string_view text)
{
    if (text.starts_with(pin_prefix) && is_fingerprint(text.substr(pin_prefix.size())))
        return Trust{Trust::Kind::pin, std::string{text.substr(pin_prefix.size())}};
    if (text.starts_with(ca_prefix) && text.substr(ca_prefix.size()).starts_with('/'))
        return Trust{Trust::Kind::ca, std::string{text.substr(ca_prefix.size())}};
    return std::nullopt;
}

Outcome<KnownServer> parse_known_server(std::string_view line)
{
    const auto [address, after_address] = split_first_word(line);
    const auto [realm, after_realm] = split_first_word(after_address);
    const auto [first_seen, trust_text] = split_first_word(after_realm);
    const auto server = parse_server(address);
    if (!server) return server.error();
    if (realm != no_realm_yet && !is_realm(realm))
        return Failure{ExitStatus::failed, "not a realm in the second field"};
    if (!is_date(first_seen))
        return Failure{ExitStatus::failed, "not a date (YYYY-MM-DD) in the third field"};
    const auto trust = parse_trust(trust_text);
    if (!trust) return Failure{ExitStatus::failed, "the fourth field must be pin=SHA256:... or ca=/file"};
    return KnownServer{*server, realm == no_realm_yet ? "" : std::string{realm}, std::string{first_seen},
                       *trust};
}

std::string format(const KnownServer& known)
{
    const bool pinned = known.trust.kind == Trust::Kind::pin;
    return known.server.text() + " " + (known.realm.empty() ? std::string{no_realm_yet} : known.realm) + " " +
           known.first_seen + " " + std::string{pinned ? pin_prefix : ca_prefix} + known.trust.value;
}

} // namespace

Outcome<KnownServers> KnownServers::parse(std::string_view text)
{
    KnownServers servers;
    if (auto fault = find_text_fault(text); !fault.what.empty())
        return Failure{ExitStatus::failed, "line " + std::to_string(fault.line) + ": " + fault.what};
    for (TextLines lines{text}; lines.next();) {
        const std::string_view line = lines.line();
        Line parsed{std::string{line}, std::nullopt};
        if (!line.empty() && line.front() != '#') {
            const auto where = "line " + std::to_string(lines.number()) + ": ";
            auto known = parse_known_server(line);
            if (!known) return Failure{ExitStatus::failed, where + known.error().message};
            if (servers.find(known->server) != nullptr)
                return Failure{ExitStatus::failed, where + known->server.text() + " is here a second time"};
            parsed.known = std::move(*known);
        }
        servers.lines_.push_back(std::move(parsed));
    }
    return servers;
}

std::size_t KnownServers::line_of(const ServerAddress& server) const
{
    for (std::size_t i = 0; i < lines_.size(); ++i)
        if (lines_[i].known && lines_[i].known->server == server) return i + 1;
    return 0;
}

const KnownServer* KnownServers::find(const ServerAddress& server) const
{
    const std::size_t line = line_of(server);
    return line == 0 ? nullptr : &*lines_[line - 1].known;
}

void KnownServers::put(const KnownServer& known)
{
    const std::size_t line = line_of(known.server);
    Line& place = line == 0 ? lines_.emplace_back() : lines_[line - 1];
    place = {format(known), known};
}

std::string KnownServers::text() const
{
    std::string text;
    for (const Line& line : lines_)
        text += line.text + "\n";
    return text;
}

Outcome<KnownServers> load_known_servers(const StateDirectory& state)
{
    const auto text = state.read(known_servers_file);
    if (!text) return text.error();
    auto servers = KnownServers::parse(*text);
    if (!servers) return state.in_file(known_servers_file, servers.error());
    return servers;
}

Outcome<void> remember_server(const StateDirectory& state, const KnownServer& known)
{
    return state.update(known_servers_file, [&](std::string_view text) -> Outcome<std::string> {
        auto servers = KnownServers::parse(text);
        if (!servers) return state.in_file(known_servers_file, servers.error());
        servers->put(known);
        return servers->text();
    });
}

} // namespace ftpc::client
