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
};

constexpr std::array verbs_known_elsewhere{
    packed("ABOR"), packed("ACCT"), packed("ADAT"), packed("APPE"), packed("CONF"), packed("DELE"),
    packed("ENC"),  packed("EPRT"), packed("EPSV"), packed("HOST"), packed("LANG"), packed("LIST"),
    packed("LPRT"), packed("LPSV"), packed("MDTM"), packed("MFMT"), packed("MIC"),  packed("MLSD"),
    packed("MLST"), packed("NLST"), packed("PASV"), packed("PORT"), packed("REST"), packed("RETR"),
    packed("RMD"),  packed("RNFR"), packed("RNTO"), packed("SIZE"), packed("SMNT"), packed("STOR"),
    packed("STOU"), packed("XRMD"),
};

} // namespace

Result<Command> parse_command(std::string_view line)
{
    const auto [word, argument] = split_first_word(line);
    const std::uint32_t name = packed(word);
    if (name == 0) return Errc::unknown_verb;
    const auto row =
        std::find_if(own_verbs.begin(), own_verbs.end(), [&](const Row& r) { return r.name == name; });
    if (row != own_verbs.end()) return Command{row->verb, argument};
    const auto known = std::find(verbs_known_elsewhere.begin(), verbs_known_elsewhere.end(), name);
    if (known != verbs_known_elsewhere.end()) return Command{Verb::known_elsewhere, argument};
    return Errc::unknown_verb;
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
