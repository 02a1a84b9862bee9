// The commands that tell what the server can do: FEAT, HELP, SITE HELP.
#include "server/ftp/session/session.hpp"

#include <algorithm>
#include <vector>

namespace ftpc::server {

namespace {

constexpr std::size_t longest_line = 70;

// Perl's Net::FTP takes the words of a list for commands if "following ... commands" stands above it.
Reply list_of(std::string_view heading, const std::vector<std::string>& words, std::string_view more)
{
    Reply reply{214, std::string{heading} + "\n"};
    std::size_t line_begin = reply.text.size();
    for (const std::string& word : words) {
        const std::size_t line = reply.text.size() - line_begin;
        if (line > 0) reply.text += line + word.size() >= longest_line ? '\n' : ' ';
        if (reply.text.back() == '\n') line_begin = reply.text.size();
        reply.text += word;
    }
    reply.text += "\n" + std::string{more};
    return reply;
}

Reply syntax_reply(std::string_view syntax)
{
    return {214, "Syntax: " + std::string{syntax}};
}

} // namespace

// The lines in the order of the alphabet (RFC 2389 §3.2 asks for none).
Action Session::feat(std::string_view)
{
    Reply reply{211, "Features:\nAUTH TLS\nCLNT\nEPSV\nMDTM\nMLST " + parameters_.facts.feature_text() +
                         "\nPBSZ\nPROT"};
    if (tls_ != TlsVersion::none) {
        reply.text += "\nSITE AUTH PREHASH1;SESSKEY1\nSITE MKDIR\nSITE MLSD";
        if (!realm_->empty()) reply.text += "\nSITE REALM " + *realm_;
        reply.text += "\nSITE SESSION\nSITE TIME";
    }
    reply.text += "\nSIZE\nTVFS\nUTF8\nEnd";
    return reply;
}

Action Session::help(std::string_view command)
{
    if (command.empty())
        return list_of("The following commands are recognized:", own_verb_names(),
                       "HELP <command> shows the syntax of one.");
    const auto parsed = parse_command(command);
    if (!parsed) return Reply{501, "Unknown command; HELP lists the commands."};
    if (parsed->verb == Verb::site) return site_help(parsed->argument); // RFC 959 §4.1.3
    const Row& row = row_of(parsed->verb);
    return row.syntax.empty() ? (this->*row.handle)({}) : syntax_reply(row.syntax);
}

Action Session::site_help(std::string_view word)
{
    if (!word.empty()) {
        const SiteRow* const row = find_site_row(word);
        if (row == nullptr) return Reply{501, "There is no such SITE command; SITE HELP lists them."};
        return syntax_reply(row->syntax);
    }
    std::vector<std::string> words;
    for (const SiteRow& row : site_rows())
        words.emplace_back(row.word);
    std::sort(words.begin(), words.end());
    return list_of("The following SITE commands are recognized:", words,
                   "SITE HELP <command> shows the syntax of one.");
}

} // namespace ftpc::server
