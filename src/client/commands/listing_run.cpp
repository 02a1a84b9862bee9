#include "client/commands/listing_run.hpp"

#include "client/commands/path_replies.hpp"
#include "client/commands/session_login.hpp"
#include "client/connection/login_replies.hpp"
#include "shared/base/error.hpp"

#include <utility>

namespace ftpc::client {

namespace {

Result<RemotePath> resolve(const std::string& given)
{
    auto path = RemotePath{}.resolve(given);
    if (path && !answer_fits(path->text())) return Errc::name_too_long;
    return path;
}

class ListingRun {
public:
    ListingRun(const std::vector<std::string>& paths, unsigned depth, const Output& output,
               const ShowListing& show)
        : paths_{paths}, depth_{depth}, output_{output}, show_{show}
    {}

    // Does everything over `connection`, as the user of `login`. Nothing has been shown if the server refuses
    // the login: this can be called again for another one.
    Outcome<void> run(ControlConnection connection, const ActiveLogin& login)
    {
        send_session_login(connection, login);
        for (const std::string& given : paths_)
            if (const auto path = resolve(given))
                connection.send(ListingConversation{"", *path, depth_}.command());
        connection.send("QUIT");
        if (auto logged_in = await_session_login(connection, login); !logged_in) return logged_in;
        for (const std::string& given : paths_)
            if (auto listed = list(connection, given); !listed) return listed;
        // All has been shown: a reply to QUIT that does not come changes nothing.
        if (connection.await_reply()) connection.close();
        return {};
    }

    ExitStatus status() const { return some_failed_ ? ExitStatus::failed : ExitStatus::done; }

private:
    Outcome<void> list(ControlConnection& connection, const std::string& given)
    {
        const auto path = resolve(given);
        if (!path) {
            refuse(given, given.empty() ? "the path is empty" : path.error().message(), 0);
            return {};
        }
        ListingConversation listing{connection.server().text(), *path, depth_};
        const auto ended = await_listing(connection, listing);
        if (!ended) return ended.error();
        if (*ended == ListingConversation::State::refused) {
            refuse(given, listing.reason(), listing.code());
        } else {
            show_(given, listing);
            output_.flush();
            if (!listing.left_out().empty()) output_.note(given, listing.left_out());
        }
        return {};
    }

    static Outcome<ListingConversation::State> await_listing(ControlConnection& connection,
                                                             ListingConversation& listing)
    {
        while (true) {
            const auto reply = connection.await_reply();
            if (!reply) return reply.error();
            if (reply->code == 421)
                return Failure{ExitStatus::unreachable,
                               connection.server().text() + " ended the connection: " + shown(*reply)};
            connection.renew_allowance(); // a listing may have any number of replies
            auto state = listing.on_reply(*reply);
            if (!state || *state != ListingConversation::State::more) return state;
        }
    }

    void refuse(const std::string& given, const std::string& reason, int code)
    {
        some_failed_ = true;
        output_.not_listed(given, reason, code);
    }

    const std::vector<std::string>& paths_;
    unsigned depth_;
    const Output& output_;
    const ShowListing& show_;
    bool some_failed_ = false;
};

} // namespace

Outcome<ExitStatus> list_paths(const CommonOptions& options, const std::vector<std::string>& paths,
                               unsigned depth, const Output& output, const ShowListing& show)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto login = find_login(options, *state);
    if (!login) return login.error();
    const auto settings = connect_settings(options);
    ListingRun run{paths, depth, output, show};
    const auto done = with_saved_login(*login, *state, [&](const ActiveLogin& tried) -> Outcome<void> {
        auto connection = open_trusted_connection(tried.server, settings, *state);
        if (!connection) return connection.error();
        return run.run(std::move(*connection), tried);
    });
    if (!done) return done.error();
    return run.status();
}

} // namespace ftpc::client
