// One command of the control connection: a verb and its argument (RFC 959 §5.3).
#pragma once

#include "shared/base/result.hpp"

#include <string_view>

namespace ftpc {

// The verbs of this server. From `known_elsewhere` on: every other verb of RFC 959, 2228, 2389, 2428, 3659,
// 7151 and their predecessors, which gets 502 rather than 500.
enum class Verb {
    auth,
    pbsz,
    prot,
    ccc,
    user,
    pass,
    rein,
    quit,
    mkd,
    cwd,
    cdup,
    pwd,
    feat,
    help,
    syst,
    stat,
    noop,
    type,
    mode,
    stru,
    allo,
    opts,
    site,
    known_elsewhere,
};

struct Command {
    Verb verb;
    std::string_view argument; // after the single space; empty if there is none
};

// Splits one line, without its CRLF, into verb and argument. Verbs are not case-sensitive; XMKD, XCWD, XCUP
// and XPWD are their modern forms (RFC 1123 §4.1.3.1). The argument is a view into `line`. Fails with
// Errc::unknown_verb (reply 500).
Result<Command> parse_command(std::string_view line);

// Splits `argument` at its first space: "MKDIR a b" is {"MKDIR", "a b"}.
struct FirstWord {
    std::string_view word;
    std::string_view rest;
};
FirstWord split_first_word(std::string_view argument);

// Compares ASCII text, ignoring case.
bool equal_ignoring_case(std::string_view a, std::string_view b);

} // namespace ftpc
