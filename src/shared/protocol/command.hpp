// One command of the control connection: a verb and its argument (RFC 959 §5.3).
#pragma once

#include "shared/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ftpc {

// The verbs of this server, and behind them three kinds of verbs that it does not have (reply 502).
enum class Verb {
    mkd,
    site,
    cwd,
    cdup,
    pwd,
    user,
    pass,
    auth,
    pbsz,
    prot,
    ccc,
    rein,
    quit,
    feat,
    help,
    syst,
    noop,
    clnt,
    stat,
    type,
    mode,
    stru,
    allo,
    opts,
    pasv,
    epsv,
    list,
    nlst,
    mlsd,
    mlst,
    size,
    mdtm,
    abor,
    file_transfer,   // RETR, STOR, DELE and others that read or change files
    active_mode,     // PORT, EPRT
    known_elsewhere, // the others of RFC 959, 2228, 2389, 2428, 3659, 7151 and their predecessors
};

struct Command {
    Verb verb;
    std::string_view argument; // after the single space; empty if there is none
};

// Splits one line, without its CRLF, into verb and argument. Telnet commands in front of the verb are
// skipped, as clients send them before ABOR (RFC 959 §4.1.3, RFC 854). Verbs are not case-sensitive; XMKD,
// XCWD, XCUP and XPWD are their modern forms (RFC 1123 §4.1.3.1). The argument is a view into `line`. Fails
// with Errc::unknown_verb (reply 500).
Result<Command> parse_command(std::string_view line);

// The names of this server's verbs, XMKD and the like included, in the order of the alphabet.
std::vector<std::string> own_verb_names();

// Splits `argument` at its first space: "MKDIR a b" is {"MKDIR", "a b"}.
struct FirstWord {
    std::string_view word;
    std::string_view rest;
};
FirstWord split_first_word(std::string_view argument);

// Compares ASCII text, ignoring case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

} // namespace ftpc
