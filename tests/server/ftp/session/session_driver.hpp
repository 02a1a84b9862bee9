// A session without a connection: lines in, and its actions as one short text.
#pragma once

#include "server/ftp/session/session.hpp"
#include "shared/base/base64.hpp"

#include <array>
#include <string>
#include <string_view>

namespace ftpc::test {

// "530", "221, close", "log in alice by password", "make /a/b" …
struct OutcomeText {
    std::string operator()(const Reply& reply) const { return std::to_string(reply.code); }
    std::string operator()(const server::LastReply& last) const
    {
        const std::string before = last.before ? std::to_string(last.before->code) + ", " : std::string{};
        return before + std::to_string(last.reply.code) + ", close";
    }
    std::string operator()(const server::StartTls& start) const
    {
        return std::to_string(start.reply.code) + ", start TLS";
    }
    std::string operator()(const server::StopTls& stop) const
    {
        return std::to_string(stop.reply.code) + ", stop TLS";
    }
    std::string operator()(const server::LogInByPassword& login) const
    {
        return "log in " + login.user + " by password " + std::string{view(login.password)};
    }
    std::string operator()(const server::LogInByPrehash& login) const
    {
        return "log in " + login.user + " by prehash " + hex_encode(login.prehash);
    }
    std::string operator()(const server::LogInBySessionKey& login) const
    {
        return "log in " + login.user + " by session key " + hex_encode(login.session) + " " +
               hex_encode(login.signature);
    }
    std::string operator()(const server::EnrolKey& enrol) const
    {
        return "enrol " + hex_encode(enrol.key) + " for " + std::to_string(enrol.lifetime_seconds);
    }
    std::string operator()(const server::EndKey& end) const
    {
        return "end " + (end.session ? hex_encode(*end.session) : "own key");
    }
    std::string operator()(const server::ListKeys&) const { return "list keys"; }
    std::string operator()(const server::ChangeDirectory& change) const
    {
        return "change to " + std::string{change.path.text()};
    }
    std::string operator()(const server::MakeDirectory& make) const
    {
        return (make.in_working_directory ? "make here " : "make ") + std::string{make.path.text()};
    }
    std::string operator()(const server::MakePath& make) const
    {
        return "make all of " + std::string{make.path.text()};
    }
    std::string operator()(const server::OpenPassivePort& open) const
    {
        return std::string{open.extended ? "EPSV" : "PASV"} +
               (open.family ? " of family " + std::to_string(*open.family) : std::string{});
    }
    std::string operator()(const server::SendListing& send) const
    {
        constexpr std::array forms{"list ", "name ", "facts of "};
        std::string text = forms.at(static_cast<std::size_t>(send.form));
        text += send.path.text();
        if (send.form == server::ListingForm::facts) text.append(" ").append(send.facts.option_text());
        return text;
    }
    std::string operator()(const server::AbortTransfer&) const { return "abort"; }
    std::string operator()(const server::ShowFacts& show) const
    {
        return "show facts of " + std::string{show.path.text()} + " " + show.facts.option_text();
    }
    std::string operator()(const server::ShowStatus& show) const
    {
        return "show status of " + std::string{show.path.text()};
    }
    std::string operator()(const server::ShowSize& show) const
    {
        return "show size of " + std::string{show.path.text()};
    }
    std::string operator()(const server::ShowModified& show) const
    {
        return "show time of " + std::string{show.path.text()};
    }
    std::string operator()(const server::TellTime&) const { return "tell time"; }
    std::string operator()(const server::ListTree& tree) const
    {
        return "list tree of " + std::string{tree.path.text()} + " to " + std::to_string(tree.depth);
    }
};

inline std::string outcome_text(const server::Action& action)
{
    return std::visit(OutcomeText{}, action);
}

class SessionDriver {
public:
    std::string realm = "6f2c8e1bd0a94f7793ab5c44e1d2f0a7";
    server::Session session{realm};

    std::string outcome(std::string_view line) { return outcome_text(session.on_line(line)); }

    // The text of a line that is answered with a plain reply; empty for other actions.
    std::string text(std::string_view line)
    {
        const auto action = session.on_line(line);
        const auto* reply = std::get_if<Reply>(&action);
        return reply != nullptr ? reply->text : std::string{};
    }

    void start_tls(server::TlsVersion version = server::TlsVersion::tls_1_3) { session.on_tls(version); }

    void log_in(std::string_view user = "alice")
    {
        if (session.logged_in()) return;
        start_tls();
        session.on_line("USER " + std::string{user});
        session.on_line("PASS secret");
        session.on_login(server::LoginOutcome::granted);
    }

    void change_directory(std::string_view path)
    {
        session.on_directory_changed(*RemotePath{}.resolve(path), {});
    }
};

} // namespace ftpc::test
