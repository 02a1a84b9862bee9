#include "shared/protocol/command.hpp"

#include "shared/base/error.hpp"
#include "support/catch.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace ftpc;
using namespace std::string_literals;

namespace {

Command parsed(std::string_view line)
{
    const auto command = parse_command(line);
    CAPTURE(line);
    REQUIRE(command);
    return *command;
}

} // namespace

TEST_CASE("a command is a verb, one space, and all that is behind it")
{
    CHECK(parsed("MKD inbox").verb == Verb::mkd);
    CHECK(parsed("MKD inbox").argument == "inbox");
    CHECK(parsed("MKD  two spaces ").argument == " two spaces ");
    CHECK(parsed("MKD ").argument.empty());
    CHECK(parsed("QUIT").argument.empty());
    CHECK(parsed("PASS p\tq\0r"s).argument == "p\tq\0r"s);
}

TEST_CASE("verbs are not case-sensitive, arguments are as they came")
{
    CHECK(parsed("mkd Inbox").verb == Verb::mkd);
    CHECK(parsed("mKd Inbox").argument == "Inbox");
    CHECK(parsed("feat").verb == Verb::feat);
}

TEST_CASE("every verb of this server is known by its name")
{
    const std::vector<std::pair<std::string_view, Verb>> verbs{
        {"AUTH", Verb::auth}, {"PBSZ", Verb::pbsz}, {"PROT", Verb::prot}, {"CCC", Verb::ccc},
        {"USER", Verb::user}, {"PASS", Verb::pass}, {"REIN", Verb::rein}, {"QUIT", Verb::quit},
        {"MKD", Verb::mkd},   {"CWD", Verb::cwd},   {"CDUP", Verb::cdup}, {"PWD", Verb::pwd},
        {"FEAT", Verb::feat}, {"HELP", Verb::help}, {"SYST", Verb::syst}, {"STAT", Verb::stat},
        {"NOOP", Verb::noop}, {"TYPE", Verb::type}, {"MODE", Verb::mode}, {"STRU", Verb::stru},
        {"ALLO", Verb::allo}, {"OPTS", Verb::opts}, {"SITE", Verb::site}, {"XMKD", Verb::mkd},
        {"XCWD", Verb::cwd},  {"XCUP", Verb::cdup}, {"XPWD", Verb::pwd},  {"PASV", Verb::pasv},
        {"EPSV", Verb::epsv}, {"LIST", Verb::list}, {"NLST", Verb::nlst}, {"MLSD", Verb::mlsd},
        {"MLST", Verb::mlst}, {"SIZE", Verb::size}, {"MDTM", Verb::mdtm}, {"ABOR", Verb::abor},
        {"CLNT", Verb::clnt}};
    for (const auto& [name, verb] : verbs)
        CHECK(parsed(name).verb == verb);
    CHECK(own_verb_names().size() == verbs.size());
}

TEST_CASE("other verbs of FTP are told apart by kind, and from nonsense")
{
    for (const std::string_view name :
         {"RETR", "STOR", "APPE", "REST", "RNFR", "RNTO", "DELE", "RMD", "XRMD", "MFMT", "rmd"})
        CHECK(parsed(name).verb == Verb::file_transfer);
    for (const std::string_view name : {"PORT", "EPRT"})
        CHECK(parsed(name).verb == Verb::active_mode);
    for (const std::string_view name : {"HOST", "ACCT", "ENC", "MIC", "STOU", "LANG", "LPSV"})
        CHECK(parsed(name).verb == Verb::known_elsewhere);
    for (const auto& line : {""s, " "s, " MKD a"s, "M"s, "MK"s, "MKDX"s, "MKDIR a"s, "GET / HTTP/1.1"s,
                             "\x16\x03\x01"s, "MKD\ta"s, "EHLO x"s})
        CHECK(parse_command(line).error() == Errc::unknown_verb);
}

TEST_CASE("Telnet commands in front of a verb are skipped, whole or torn by urgent data")
{
    for (const auto& telnet : {"\xff\xf4\xff\xf2"s, "\xff\xf4\xff"s, "\xff\xf4\xf2"s, "\xf2"s, "\xff"s,
                               "\xff\xfd\x06"s, "\xff\xf1"s, "\xff\xfb\xff\xff\xf4"s}) {
        CHECK(parsed(telnet + "ABOR").verb == Verb::abor);
        CHECK(parsed(telnet + "mkd a\xff\xf4").argument == "a\xff\xf4");
    }
}

TEST_CASE("Telnet commands anywhere else, and escaped characters, are no Telnet commands")
{
    for (const auto& line :
         {"\xff\xff"s + "ABOR", "A\xff\xf4"s + "BOR", " \xff\xf4"s + "ABOR", "\xff\xf4"s, "\xff"s, "\xf2"s,
          "\xff\xfd"s, "\xff\xfd\x06"s, "\xff\xf4 ABOR"s, "\xf3"s + "ABOR"})
        CHECK(parse_command(line).error() == Errc::unknown_verb);
}

TEST_CASE("a verb with a NUL or another character in it is not that verb")
{
    for (const auto& line : {"\0MKD a"s, "MKD\0 a"s, "\0\0\0\0"s, "M\0D"s, "MK4"s, "{KD a"s, "CC\xc3"s})
        CHECK(parse_command(line).error() == Errc::unknown_verb);
}

TEST_CASE("the first word of an argument ends at the first space")
{
    CHECK(split_first_word("MKDIR a b").word == "MKDIR");
    CHECK(split_first_word("MKDIR a b").rest == "a b");
    CHECK(split_first_word("MKDIR").rest.empty());
    CHECK(split_first_word(" a").word.empty());
    CHECK(split_first_word(" a").rest == "a");
    CHECK(split_first_word("").word.empty());
}

TEST_CASE("words are compared without regard to ASCII case only")
{
    CHECK(equal_ignoring_case("PreHash1", "PREHASH1"));
    CHECK(equal_ignoring_case("", ""));
    CHECK(!equal_ignoring_case("TLS", "TLS-C"));
    CHECK(!equal_ignoring_case("[", "{"));
    CHECK(!equal_ignoring_case("\xc3\xa4", "\xc3\x84"));
}
