// HELP and SITE HELP.
#include "server/ftp/session/session_driver.hpp"
#include "support/catch.hpp"
#include "support/matchers.hpp"

#include <algorithm>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

using namespace ftpc;
using namespace ftpc::server;
using ftpc::test::SessionDriver;

namespace {

// The commands in a reply as Perl's Net::FTP reads it: all words behind its first line, if that is a heading.
std::vector<std::string> commands_for_perl(const std::string& text)
{
    std::vector<std::string> words;
    const std::string heading = text.substr(0, text.find('\n'));
    if (!std::regex_search(heading, std::regex{"following.+commands", std::regex::icase})) return words;
    std::istringstream rest{text.substr(heading.size())};
    for (std::string word; rest >> word;)
        words.push_back(word);
    return words;
}

bool contains_word(const std::vector<std::string>& words, const std::string& word)
{
    return std::find(words.begin(), words.end(), word) != words.end();
}

} // namespace

TEST_CASE_METHOD(SessionDriver, "HELP names every command of this server in short lines")
{
    const std::string all = text("HELP");
    const auto words = commands_for_perl(all);
    for (const std::string& name : own_verb_names()) {
        INFO(name);
        CHECK(contains_word(words, name));
    }
    for (const char* const other : {"RETR", "STOR", "PORT", "ACCT"})
        CHECK_FALSE(contains_word(words, other));
    std::istringstream lines{all};
    for (std::string line; std::getline(lines, line);)
        CHECK(line.size() <= 74);
}

TEST_CASE_METHOD(SessionDriver, "HELP of every command shows its syntax, also before TLS")
{
    for (const std::string& name : own_verb_names()) {
        if (name == "SITE") continue;
        INFO(name);
        const std::string modern = name.starts_with('X') ? name == "XCUP" ? "CDUP" : name.substr(1) : name;
        CHECK(outcome("HELP " + name) == "214");
        CHECK_THAT(text("HELP " + name), test::starts_with("Syntax: " + modern));
    }
    CHECK(text("help cwd") == "Syntax: CWD <path>");
    CHECK(text("HELP CWD and more") == "Syntax: CWD <path>");
}

TEST_CASE_METHOD(SessionDriver,
                 "HELP of an unknown command is 501, and 502 of one that this server does not have")
{
    for (const char* const line : {"HELP NONSENSE", "HELP  CWD", "HELP ME", "HELP \xff"}) {
        INFO(line);
        CHECK(outcome(line) == "501");
    }
    for (const char* const line : {"HELP ACCT", "HELP STOU", "HELP RETR", "HELP PORT"}) {
        INFO(line);
        CHECK(outcome(line) == "502");
    }
    CHECK_THAT(text("HELP RETR"), test::contains("no file transfer yet"));
}

TEST_CASE_METHOD(SessionDriver, "SITE HELP and HELP SITE do the same for the commands behind SITE")
{
    start_tls();
    const std::string all = text("SITE HELP");
    CHECK(all == text("HELP SITE"));
    const auto words = commands_for_perl(all);
    for (const std::string word : {"AUTH", "HELP", "MKDIR", "MLSD", "SESSION", "TIME"}) {
        INFO(word);
        CHECK(contains_word(words, word));
        CHECK(outcome("SITE HELP " + word) == "214");
        CHECK_THAT(text("SITE HELP " + word), test::starts_with("Syntax: SITE " + word));
        CHECK(text("HELP SITE " + word) == text("SITE HELP " + word));
    }
    CHECK(text("site help mkdir") == "Syntax: SITE MKDIR <path>");
    CHECK(outcome("SITE HELP CHMOD") == "501");
    CHECK(outcome("HELP SITE CHMOD") == "501");
}
