// Data connections, listings, and facts of single paths.
#include "server/ftp/session/session.hpp"

#include "server/ftp/session/error_reply.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/utc_time.hpp"

#include <utility>

namespace ftpc::server {

namespace {

constexpr unsigned deepest_tree = 32; // levels of SITE MLSD

// "-la /a" is "/a". Clients add options of ls(1) to the path, and the server has none of them.
std::string_view without_options(std::string_view argument)
{
    while (argument.starts_with('-'))
        argument = split_first_word(argument).rest;
    return argument;
}

// "Entering Passive Mode (192,0,2,1,8,75)." (RFC 959 §4.1.2, RFC 1123 §4.1.2.6)
Reply passive_reply(const std::array<std::uint8_t, 4>& address, std::uint16_t port)
{
    Reply reply{227, "Entering Passive Mode ("};
    for (const unsigned byte : address)
        reply.text += std::to_string(byte) + ",";
    reply.text += std::to_string(port / 256) + "," + std::to_string(port % 256) + ").";
    return reply;
}

} // namespace

// ---- data connections

Action Session::pasv(std::string_view)
{
    if (parameters_.extended_only) return Reply{503, "After EPSV ALL only EPSV opens data connections."};
    return OpenPassivePort{};
}

Action Session::epsv(std::string_view family)
{
    if (family.empty()) return OpenPassivePort{.extended = true};
    if (equal_ignoring_case(family, "ALL")) {
        parameters_.extended_only = true;
        return Reply{200, "Only EPSV opens data connections from now on."};
    }
    const auto number = parse_number<int>(family);
    if (!number) return bad_argument();
    return OpenPassivePort{.extended = true, .family = *number};
}

Reply Session::on_passive_port(const OpenPassivePort& request, const Result<PassivePort>& port)
{
    if (!port) return {425, port.error().message()};
    const int family = port->ipv4 ? 1 : 2;
    if (request.family && *request.family != family)
        return {522, "Network protocol not supported, use (" + std::to_string(family) + ")."};
    if (request.extended)
        return {229, "Entering Extended Passive Mode (|||" + std::to_string(port->port) + "|)."};
    if (!port->ipv4) return {425, "PASV is for IPv4; use EPSV on this connection."};
    return passive_reply(*port->ipv4, port->port);
}

Action Session::abor(std::string_view)
{
    return AbortTransfer{};
}

// ---- listings

// The working directory, if none is named.
Result<RemotePath> Session::listed_path(std::string_view argument) const
{
    if (argument.empty()) return working_directory_;
    return working_directory_.resolve(argument);
}

Action Session::send_listing(ListingForm form, std::string_view argument) const
{
    // protection: private-data
    if (!parameters_.private_data) return Reply{521, "Data connections are encrypted; use PROT P first."};
    auto path = listed_path(argument);
    if (!path) return error_reply(path.error(), argument);
    return SendListing{form, std::move(*path), parameters_.facts};
}

Action Session::list(std::string_view argument)
{
    return send_listing(ListingForm::list, without_options(argument));
}

Action Session::nlst(std::string_view argument)
{
    return send_listing(ListingForm::names, without_options(argument));
}

Action Session::mlsd(std::string_view argument)
{
    return send_listing(ListingForm::facts, argument);
}

Action Session::stat(std::string_view argument)
{
    if (argument.empty()) return status();
    auto path = listed_path(without_options(argument));
    if (!path) return error_reply(path.error(), argument);
    return ShowStatus{std::move(*path)};
}

Reply Session::status() const
{
    Reply reply{211, "Status:\nLogged in as " + user_};
    reply.text += tls_ == TlsVersion::tls_1_3 ? "\nTLS 1.3" : "\nTLS 1.2";
    reply.text += parameters_.ascii ? "\nTYPE A" : "\nTYPE I";
    reply.text += "\nWorking directory ";
    append_quoted(reply.text, working_directory_.text());
    reply.text += "\nEnd";
    return reply;
}

Action Session::site_mlsd(std::string_view argument)
{
    const auto [word, rest] = split_first_word(argument);
    const bool has_depth = is_digits(word) && word.size() < argument.size();
    const auto depth = has_depth ? parse_number<unsigned>(word, 0, deepest_tree) : 1U;
    if (!depth) return Reply{501, "The depth is at most " + std::to_string(deepest_tree) + "."};
    const std::string_view name = has_depth ? rest : argument;
    auto path = working_directory_.resolve(name);
    if (!path) return error_reply(path.error(), name);
    return ListTree{std::move(*path), *depth};
}

// ---- facts (RFC 3659)

Action Session::opts_mlst(std::string_view facts)
{
    if (facts.find(' ') != std::string_view::npos) return bad_argument();
    parameters_.facts = parse_fact_names(facts);
    const std::string names = parameters_.facts.option_text();
    return Reply{200, names.empty() ? "MLST OPTS" : "MLST OPTS " + names};
}

Action Session::mlst(std::string_view argument)
{
    auto path = listed_path(argument);
    if (!path) return error_reply(path.error(), argument);
    return ShowFacts{std::move(*path), parameters_.facts};
}

Reply Session::on_facts(const RemotePath& path, const Result<std::string>& line)
{
    if (!line) return error_reply(line.error(), path.text());
    Reply reply{250, "Listing "};
    append_quoted(reply.text, path.text());
    reply.text += "\n" + *line + "\nEnd";
    return reply;
}

Action Session::size(std::string_view argument)
{
    // The size after line ends are converted is not known before the file is read (RFC 3659 §4).
    if (parameters_.ascii) return Reply{550, "SIZE needs TYPE I."};
    auto path = working_directory_.resolve(argument);
    if (!path) return error_reply(path.error(), argument);
    return ShowSize{std::move(*path)};
}

Reply Session::on_size(const RemotePath& path, const Result<std::optional<std::uint64_t>>& size)
{
    if (!size) return error_reply(size.error(), path.text());
    if (!*size) return quoted_path_reply(550, path, " is not a file.");
    return {213, std::to_string(**size)};
}

Action Session::mdtm(std::string_view argument)
{
    auto path = working_directory_.resolve(argument);
    if (!path) return error_reply(path.error(), argument);
    return ShowModified{std::move(*path)};
}

Reply Session::on_modified(const RemotePath& path, const Result<std::int64_t>& seconds)
{
    if (!seconds) return error_reply(seconds.error(), path.text());
    const std::string time = utc_text(*seconds, "%Y%m%d%H%M%S");
    if (time.size() != 14) return quoted_path_reply(550, path, " has a time that cannot be shown.");
    return {213, time};
}

} // namespace ftpc::server
