#include "client/base/server_address.hpp"

#include "client/terminal/safe_text.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace ftpc::client {

namespace {

constexpr std::size_t max_host_bytes = 253; // RFC 1035 §2.3.4, without the final dot

struct HostAndPort {
    std::string host;
    std::optional<std::uint16_t> port;
};

Failure malformed(std::string_view text, std::string_view reason)
{
    std::string message{"'"};
    message.append(safe_text(text)).append("': ").append(reason);
    return {ExitStatus::usage, std::move(message)};
}

bool is_ipv6(std::string_view text)
{
    const auto percent = text.find('%'); // fe80::1%eth0 names the interface behind it
    const std::string address{text.substr(0, percent)};
    in6_addr ignored;
    if (::inet_pton(AF_INET6, address.c_str(), &ignored) != 1) return false;
    return percent == std::string_view::npos ||
           std::all_of(text.begin() + static_cast<std::ptrdiff_t>(percent), text.end(),
                       [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_host_name(std::string_view text)
{
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !text.empty() && text.size() <= max_host_bytes && text.front() != '-' && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), allowed);
}

std::string lower_case(std::string_view text)
{
    std::string lower{text};
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

std::optional<std::uint16_t> parse_port(std::string_view text)
{
    return parse_number<std::uint16_t>(text, 1);
}

Outcome<HostAndPort> split_bracketed(std::string_view text)
{
    const auto close = text.find(']');
    if (close == std::string_view::npos) return malformed(text, "the ']' after the IPv6 address is missing");
    const auto address = text.substr(1, close - 1);
    const auto behind = text.substr(close + 1);
    if (!is_ipv6(address)) return malformed(text, "not an IPv6 address between the brackets");
    if (behind.empty()) return HostAndPort{lower_case(address), std::nullopt};
    const auto port = behind.front() == ':' ? parse_port(behind.substr(1)) : std::nullopt;
    if (!port) return malformed(text, "after the ']' only a port may stand (':' and 1 to 65535)");
    return HostAndPort{lower_case(address), port};
}

Outcome<HostAndPort> split_host_and_port(std::string_view text)
{
    if (text.starts_with('[')) return split_bracketed(text);
    if (is_ipv6(text)) return HostAndPort{lower_case(text), std::nullopt};
    const auto colon = text.find(':');
    const std::string host = lower_case(text.substr(0, colon));
    if (!is_host_name(host)) return malformed(text, "not a host name or address");
    if (colon == std::string_view::npos) return HostAndPort{host, std::nullopt};
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return malformed(text, "the port must be a number from 1 to 65535");
    return HostAndPort{host, port};
}

// "USER" or "USER:PORT", either part possibly empty.
Outcome<LoginTarget> parse_user_and_port(std::string_view text)
{
    LoginTarget target;
    const auto colon = text.find(':');
    if (const auto user = text.substr(0, colon); !user.empty()) {
        if (!is_user_name(user))
            return malformed(user, make_error_code(Errc::bad_user_name).message() +
                                       " (a server is named behind an '@': USER@HOST[:PORT])");
        target.user = user;
    }
    if (colon != std::string_view::npos) {
        target.port = parse_port(text.substr(colon + 1));
        if (!target.port) return malformed(text, "the port must be a number from 1 to 65535");
    }
    return target;
}

} // namespace

std::string ServerAddress::text() const
{
    const bool bracketed = host.find(':') != std::string::npos;
    return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Outcome<ServerAddress> parse_server(std::string_view text)
{
    auto parts = split_host_and_port(text);
    if (!parts) return parts.error();
    return ServerAddress{std::move(parts->host), parts->port.value_or(default_port)};
}

Outcome<LoginTarget> parse_login_target(std::string_view text)
{
    if (text.find("://") != std::string_view::npos)
        return malformed(text, "not a user and server; say it: USER@HOST[:PORT]");
    const auto at = text.rfind('@');
    if (at == std::string_view::npos) return parse_user_and_port(text);
    const auto user = text.substr(0, at);
    if (!user.empty() && !is_user_name(user))
        return malformed(user, make_error_code(Errc::bad_user_name).message());
    auto parts = split_host_and_port(text.substr(at + 1));
    if (!parts) return parts.error();
    LoginTarget target{std::nullopt, std::move(parts->host), parts->port};
    if (!user.empty()) target.user = user;
    return target;
}

Outcome<ServerAddress> choose_server(const LoginTarget& target, const std::optional<ServerAddress>& last,
                                     std::string_view environment)
{
    if (target.host) return ServerAddress{*target.host, target.port.value_or(default_port)};
    ServerAddress server{"localhost", default_port};
    if (last) {
        server = *last;
    } else if (!environment.empty()) {
        const auto named = parse_server(environment);
        if (!named) return Failure{ExitStatus::usage, "FTPC_SERVER: " + named.error().message};
        server = *named;
    }
    server.port = target.port.value_or(server.port);
    return server;
}

} // namespace ftpc::client
