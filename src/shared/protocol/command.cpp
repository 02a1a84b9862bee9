#include "shared/protocol/command.hpp"

#include "shared/base/error.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ftpc {

namespace {

char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// A verb of three or four letters as one number, so that looking it up is one comparison a row; 0 for others.
// Only letters count: a NUL in front would otherwise vanish in the number.
constexpr std::uint32_t packed(std::string_view verb)
{
    if (verb.size() < 3 || verb.size() > 4) return 0;
    std::uint32_t number = 0;
    for (char c : verb) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (c < 'A' || c > 'Z') return 0;
        number = number << 8 | static_cast<unsigned char>(c);
    }
    return number;
}

std::string unpacked(std::uint32_t number)
{
    std::string verb;
    for (int shift = 24; shift >= 0; shift -= 8)
        if (const auto letter = static_cast<char>(number >> shift & 0xffU)) verb += letter;
    return verb;
}

struct Row {
    std::uint32_t name;
    Verb verb;
};

constexpr std::array own_verbs{
    Row{packed("MKD"), Verb::mkd},   Row{packed("SITE"), Verb::site}, Row{packed("CWD"), Verb::cwd},
    Row{packed("NOOP"), Verb::noop}, Row{packed("USER"), Verb::user}, Row{packed("PASS"), Verb::pass},
    Row{packed("AUTH"), Verb::auth}, Row{packed("PBSZ"), Verb::pbsz}, Row{packed("PROT"), Verb::prot},
    Row{packed("CCC"), Verb::ccc},   Row{packed("REIN"), Verb::rein}, Row{packed("QUIT"), Verb::quit},
    Row{packed("XMKD"), Verb::mkd},  Row{packed("XCWD"), Verb::cwd},  Row{packed("CDUP"), Verb::cdup},
    Row{packed("XCUP"), Verb::cdup}, Row{packed("PWD"), Verb::pwd},   Row{packed("XPWD"), Verb::pwd},
    Row{packed("FEAT"), Verb::feat}, Row{packed("HELP"), Verb::help}, Row{packed("SYST"), Verb::syst},
    Row{packed("STAT"), Verb::stat}, Row{packed("TYPE"), Verb::type}, Row{packed("MODE"), Verb::mode},
    Row{packed("STRU"), Verb::stru}, Row{packed("ALLO"), Verb::allo}, Row{packed("OPTS"), Verb::opts},
    Row{packed("PASV"), Verb::pasv}, Row{packed("EPSV"), Verb::epsv}, Row{packed("LIST"), Verb::list},
    Row{packed("NLST"), Verb::nlst}, Row{packed("MLSD"), Verb::mlsd}, Row{packed("MLST"), Verb::mlst},
    Row{packed("SIZE"), Verb::size}, Row{packed("MDTM"), Verb::mdtm}, Row{packed("ABOR"), Verb::abor},
    Row{packed("CLNT"), Verb::clnt},
};

constexpr std::array other_verbs{
    Row{packed("RETR"), Verb::file_transfer},   Row{packed("STOR"), Verb::file_transfer},
    Row{packed("APPE"), Verb::file_transfer},   Row{packed("REST"), Verb::file_transfer},
    Row{packed("RNFR"), Verb::file_transfer},   Row{packed("RNTO"), Verb::file_transfer},
    Row{packed("DELE"), Verb::file_transfer},   Row{packed("RMD"), Verb::file_transfer},
    Row{packed("XRMD"), Verb::file_transfer},   Row{packed("MFMT"), Verb::file_transfer},
    Row{packed("PORT"), Verb::active_mode},     Row{packed("EPRT"), Verb::active_mode},
    Row{packed("ACCT"), Verb::known_elsewhere}, Row{packed("ADAT"), Verb::known_elsewhere},
    Row{packed("CONF"), Verb::known_elsewhere}, Row{packed("ENC"), Verb::known_elsewhere},
    Row{packed("HOST"), Verb::known_elsewhere}, Row{packed("LANG"), Verb::known_elsewhere},
    Row{packed("LPRT"), Verb::known_elsewhere}, Row{packed("LPSV"), Verb::known_elsewhere},
    Row{packed("MIC"), Verb::known_elsewhere},  Row{packed("SMNT"), Verb::known_elsewhere},
    Row{packed("STOU"), Verb::known_elsewhere},
};

// The bytes of the Telnet command at the front of `line` (RFC 854); 0 if there is none.
std::size_t telnet_command_size(std::string_view line)
{
    constexpr unsigned char data_mark = 0xf2;
    constexpr unsigned char iac = 0xff;
    const auto byte = [line](std::size_t i) {
        return i < line.size() ? static_cast<unsigned char>(line[i]) : 0;
    };
    // The byte before or behind it is lost if it came as urgent data.
    if (byte(0) == data_mark) return 1;
    if (byte(0) != iac || byte(1) == iac) return 0;                    // two of them are a character
    if (byte(1) >= 0xfb) return std::min<std::size_t>(line.size(), 3); // WILL, WONT, DO, DONT and an option
    return byte(1) >= 0xf0 ? 2 : 1;
}

} // namespace

Result<Command> parse_command(std::string_view line)
{
    while (const std::size_t telnet = telnet_command_size(line))
        line.remove_prefix(telnet);
    const auto [word, argument] = split_first_word(line);
    const std::uint32_t name = packed(word);
    if (name == 0) return Errc::unknown_verb;
    const auto is_it = [name](const Row& row) { return row.name == name; };
    const auto own = std::find_if(own_verbs.begin(), own_verbs.end(), is_it);
    if (own != own_verbs.end()) return Command{own->verb, argument};
    const auto other = std::find_if(other_verbs.begin(), other_verbs.end(), is_it);
    if (other != other_verbs.end()) return Command{other->verb, argument};
    return Errc::unknown_verb;
}

std::vector<std::string> own_verb_names()
{
    std::vector<std::string> names;
    names.reserve(own_verbs.size());
    for (const Row& row : own_verbs)
        names.push_back(unpacked(row.name));
    std::sort(names.begin(), names.end());
    return names;
}

FirstWord split_first_word(std::string_view argument)
{
    const auto space = argument.find(' ');
    if (space == std::string_view::npos) return {argument, {}};
    return {argument.substr(0, space), argument.substr(space + 1)};
}

bool equal_ignoring_case(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_upper(x) == to_upper(y); });
}

} // namespace ftpc
