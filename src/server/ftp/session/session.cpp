// The tables of commands, and the commands that need no file of their own.
#include "server/ftp/session/session.hpp"

#include "shared/base/numbers.hpp"

#include <algorithm>
#include <array>

namespace ftpc::server {

namespace {

// The first line of an HTTP request (RFC 9112 §3), or a Host field without one. A browser has been led here,
// and the next lines are not its user's (ALPACA, CVE-2021-3618). The methods are case-sensitive, and none is
// an FTP verb.
bool speaks_http(std::string_view line)
{
    constexpr std::array methods{"GET",     "POST",  "HEAD",  "PUT", "DELETE", "OPTIONS",
                                 "CONNECT", "TRACE", "PATCH", "PRI", "Host:"};
    const std::string_view word = split_first_word(line).word;
    return std::find(methods.begin(), methods.end(), word) != methods.end();
}

} // namespace

// The state that each command needs before its handler is even called.
// NOLINTNEXTLINE(readability-function-size): a table, with a row for each command
const Session::Row& Session::row_of(Verb verb)
{
    constexpr auto nothing = Takes::nothing;
    constexpr auto argument = Takes::argument;
    constexpr auto optional = Takes::optional_argument;
    static constexpr std::array rows{
        Row{Verb::mkd, Needs::login, argument, &Session::mkd, "MKD <path>"},
        Row{Verb::site, Needs::tls, argument, &Session::site, "SITE <command> [<argument>]"},
        Row{Verb::cwd, Needs::login, argument, &Session::cwd, "CWD <path>"},
        Row{Verb::cdup, Needs::login, nothing, &Session::cdup, "CDUP"},
        Row{Verb::pwd, Needs::login, nothing, &Session::pwd, "PWD"},
        Row{Verb::user, Needs::tls, optional, &Session::user, "USER <name>"},
        Row{Verb::pass, Needs::tls, optional, &Session::pass, "PASS <password>"},
        Row{Verb::auth, Needs::nothing, argument, &Session::auth, "AUTH TLS"},
        Row{Verb::pbsz, Needs::tls, argument, &Session::pbsz, "PBSZ 0"},
        Row{Verb::prot, Needs::tls, argument, &Session::prot, "PROT P"},
        Row{Verb::ccc, Needs::tls, nothing, &Session::ccc, "CCC"},
        Row{Verb::rein, Needs::tls, nothing, &Session::rein, "REIN"},
        Row{Verb::quit, Needs::nothing, nothing, &Session::quit, "QUIT"},
        Row{Verb::feat, Needs::nothing, nothing, &Session::feat, "FEAT"},
        Row{Verb::help, Needs::nothing, optional, &Session::help, "HELP [<command>]"},
        Row{Verb::syst, Needs::nothing, nothing, &Session::syst, "SYST"},
        Row{Verb::noop, Needs::nothing, optional, &Session::noop, "NOOP"},
        Row{Verb::clnt, Needs::tls, optional, &Session::clnt, "CLNT <name of the client>"},
        Row{Verb::stat, Needs::login, optional, &Session::stat, "STAT [<path>]"},
        Row{Verb::type, Needs::login, argument, &Session::type, "TYPE A | I | L 8"},
        Row{Verb::mode, Needs::login, argument, &Session::mode, "MODE S"},
        Row{Verb::stru, Needs::login, argument, &Session::stru, "STRU F"},
        Row{Verb::allo, Needs::login, argument, &Session::allo, "ALLO <size>"},
        Row{Verb::opts, Needs::tls, argument, &Session::opts, "OPTS UTF8 ON | MLST [<fact>;...]"},
        Row{Verb::pasv, Needs::login, nothing, &Session::pasv, "PASV"},
        Row{Verb::epsv, Needs::login, optional, &Session::epsv, "EPSV [1 | 2 | ALL]"},
        Row{Verb::list, Needs::login, optional, &Session::list, "LIST [<path>]"},
        Row{Verb::nlst, Needs::login, optional, &Session::nlst, "NLST [<path>]"},
        Row{Verb::mlsd, Needs::login, optional, &Session::mlsd, "MLSD [<path>]"},
        Row{Verb::mlst, Needs::login, optional, &Session::mlst, "MLST [<path>]"},
        Row{Verb::size, Needs::login, argument, &Session::size, "SIZE <path>"},
        Row{Verb::mdtm, Needs::login, argument, &Session::mdtm, "MDTM <path>"},
        Row{Verb::abor, Needs::login, nothing, &Session::abor, "ABOR"},
        Row{Verb::file_transfer, Needs::login, optional, &Session::file_transfer, ""},
        Row{Verb::active_mode, Needs::nothing, optional, &Session::active_mode, ""},
        Row{Verb::known_elsewhere, Needs::nothing, optional, &Session::known_elsewhere, ""},
    };
    constexpr auto in_order = [] {
        for (std::size_t i = 0; i < rows.size(); ++i)
            if (rows[i].verb != static_cast<Verb>(i)) return false;
        return rows.back().verb == Verb::known_elsewhere;
    };
    static_assert(in_order(), "each verb has its row, in the order of Verb");
    return rows[static_cast<std::size_t>(verb)];
}

// The words behind SITE; TLS is on already.
std::span<const Session::SiteRow> Session::site_rows()
{
    static constexpr std::array rows{
        SiteRow{"MKDIR", Needs::login, &Session::site_mkdir, "SITE MKDIR <path>"},
        SiteRow{"MLSD", Needs::login, &Session::site_mlsd, "SITE MLSD [<depth> ]<path>"},
        SiteRow{"AUTH", Needs::tls, &Session::site_auth,
                "SITE AUTH PREHASH1 <prehash> | SESSKEY1 <session> <signature>"},
        SiteRow{"SESSION", Needs::login, &Session::site_session,
                "SITE SESSION NEW <public key> [<seconds>] | LIST | END [<session>]"},
        SiteRow{"TIME", Needs::tls, &Session::site_time, "SITE TIME"},
        SiteRow{"HELP", Needs::tls, &Session::site_help, "SITE HELP [<command>]"},
    };
    return rows;
}

const Session::SiteRow* Session::find_site_row(std::string_view word)
{
    const auto rows = site_rows();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&](const SiteRow& r) { return equal_ignoring_case(word, r.word); });
    return row == rows.end() ? nullptr : &*row;
}

Action Session::on_line(std::string_view line)
{
    const auto command = parse_command(line);
    if (!command && speaks_http(line)) return LastReply{{421, "This is not a web server."}};
    if (!command) return unknown_command();
    const Row& row = row_of(command->verb);
    // protection: tls-first
    if (row.needs != Needs::nothing && tls_ == TlsVersion::none) return Reply{534, "Use AUTH TLS first."};
    if (row.needs == Needs::login && !logged_in_) return Reply{530, "Log in first."};
    if (row.takes == Takes::nothing && !command->argument.empty()) return bad_argument();
    if (row.takes == Takes::argument && command->argument.empty()) return bad_argument();
    return (this->*row.handle)(command->argument);
}

Action Session::site(std::string_view argument)
{
    const auto [word, rest] = split_first_word(argument);
    const SiteRow* const row = find_site_row(word);
    if (row == nullptr) return Reply{504, "There is no such SITE command; SITE HELP names them."};
    if (row->needs == Needs::login && !logged_in_) return Reply{530, "Log in first."};
    return (this->*row->handle)(rest);
}

// ---- commands of any FTP server

Action Session::quit(std::string_view)
{
    return LastReply{{221, "Goodbye."}};
}

Action Session::syst(std::string_view)
{
    return Reply{215, "UNIX Type: L8"};
}

Action Session::noop(std::string_view)
{
    return Reply{200, "OK."};
}

// The name of the client changes nothing.
Action Session::clnt(std::string_view)
{
    return Reply{200, "OK."};
}

Action Session::type(std::string_view code)
{
    const auto is_one_of = [code](auto... names) { return (equal_ignoring_case(code, names) || ...); };
    const bool ascii = is_one_of("A", "A N");
    if (!ascii && !is_one_of("I", "L 8")) return Reply{504, "Only TYPE A, I and L 8."};
    parameters_.ascii = ascii;
    return Reply{200, "OK."};
}

Action Session::mode(std::string_view code)
{
    return equal_ignoring_case(code, "S") ? Reply{200, "OK."} : Reply{504, "Only MODE S."};
}

Action Session::stru(std::string_view code)
{
    return equal_ignoring_case(code, "F") ? Reply{200, "OK."} : Reply{504, "Only STRU F."};
}

Action Session::allo(std::string_view size)
{
    return is_digits(split_first_word(size).word) ? Reply{202, "No need to allocate."} : bad_argument();
}

Action Session::opts(std::string_view argument)
{
    const auto [option, value] = split_first_word(argument);
    if (equal_ignoring_case(option, "MLST")) return opts_mlst(value);
    if (!equal_ignoring_case(option, "UTF8")) return Reply{501, "No such option."};
    if (value.empty() || equal_ignoring_case(value, "ON")) return Reply{200, "UTF-8 is on."};
    if (equal_ignoring_case(value, "OFF")) return Reply{504, "Names are always UTF-8."};
    return Reply{501, "No such option."};
}

// ---- commands of other servers

Action Session::file_transfer(std::string_view)
{
    return Reply{502, "This server makes and lists directories; it has no file transfer yet."};
}

Action Session::active_mode(std::string_view)
{
    return Reply{502, "This server opens no connections to clients; use EPSV or PASV."};
}

Action Session::known_elsewhere(std::string_view)
{
    return Reply{502, "This server does not have that command."};
}

} // namespace ftpc::server
