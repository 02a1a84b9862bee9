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
        {"XCWD", Verb::cwd},  {"XCUP", Verb::cdup}, {"XPWD", Verb::pwd}};
    for (const auto& [name, verb] : verbs)
        CHECK(parsed(name).verb == verb);
}

TEST_CASE("other verbs of FTP are told apart from nonsense")
{
    for (const std::string_view name :
         {"RETR", "STOR", "LIST", "PASV", "EPSV", "PORT", "EPRT", "DELE", "RMD", "XRMD", "RNFR",
          "RNTO", "MLSD", "SIZE", "HOST", "ABOR", "ACCT", "REST", "ENC",  "MIC", "rmd"})
        CHECK(parsed(name).verb == Verb::known_elsewhere);
    for (const auto& line : {""s, " "s, " MKD a"s, "M"s, "MK"s, "MKDX"s, "MKDIR a"s, "GET / HTTP/1.1"s,
                             "\x16\x03\x01"s, "MKD\ta"s, "EHLO x"s, "\xff\xf4\xff\xf2"s + "ABOR"})
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
