#include "client/login_replies.hpp"
#include "client/mkdir_conversation.hpp"
#include "client/output.hpp"
#include "client/path_source.hpp"
#include "client/session_login.hpp"
#include "client/subcommands.hpp"
#include "shared/error.hpp"

#include <unistd.h>

namespace ftpc::client {

namespace {

// How far commands run ahead of their replies. Wide enough that the way to the server is always full, narrow
// enough that a list of any length needs little memory.
constexpr std::size_t max_unsent_bytes = std::size_t{256} * 1024;
constexpr std::size_t max_unanswered_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t max_unanswered = 100'000;
// So many paths are looked at, or pieces of input, before the connection has its turn again: nothing may come
// of them that is sent.
constexpr unsigned most_steps_at_once = 1000;

// One run of mkdir over one connection: paths are queued while there is room, replies taken as they come.
class MkdirRun {
public:
    MkdirRun(ControlConnection& connection, const ActiveLogin& login, PathSource& source, bool parents,
             const Output& output)
        : connection_{connection}, login_{login}, source_{source}, conversation_{parents},
          login_replies_{login.server, login.user}, output_{output}
    {}

    ExitStatus run()
    {
        send_session_login(connection_, login_);
        while (!finished_) {
            queue_paths();
            auto moved = take_replies();
            if (!finished_ && moved) moved = pump();
            if (!moved) return give_up(moved.error());
        }
        connection_.close();
        return some_failed_ ? ExitStatus::failed : ExitStatus::done;
    }

private:
    bool has_room() const
    {
        return connection_.unsent() < max_unsent_bytes && conversation_.unanswered() < max_unanswered &&
               conversation_.unanswered_bytes() < max_unanswered_bytes;
    }

    void queue_paths()
    {
        unsigned steps = 0;
        while (has_room() && steps < most_steps_at_once) {
            if (const auto path = source_.next())
                queue(*path);
            else if (source_.input_ready())
                read_input();
            else
                break;
            ++steps;
        }
        more_at_hand_ = steps == most_steps_at_once;
        if (source_.exhausted() && !quit_queued_) {
            connection_.send("QUIT");
            quit_queued_ = true;
        }
    }

    void read_input()
    {
        if (source_.read_input()) return;
        some_failed_ = true;
        output_.failure({ExitStatus::failed, "standard input: " + last_system_error().message()});
    }

    void queue(const PathSource::Path& path)
    {
        const auto command =
            path.whole ? conversation_.add(path.text) : Result<std::string>{Errc::name_too_long};
        if (command) return connection_.send(*command);
        const std::string reason = path.text.empty() ? "the path is empty" : command.error().message();
        report({PathOutcome::State::failed, path.text, reason, 0});
    }

    Outcome<void> take_replies()
    {
        while (!finished_) {
            const auto reply = connection_.next_reply();
            if (!reply) return reply.error();
            if (!*reply) return {};
            if (auto taken = on_reply(**reply); !taken) return taken;
        }
        return {};
    }

    Outcome<void> on_reply(const Reply& reply)
    {
        if (!login_replies_.complete()) {
            auto taken = login_replies_.on_reply(reply);
            login_failed_ = taken.has_error();
            return taken;
        }
        if (reply.code == 421)
            return Failure{ExitStatus::unreachable,
                           login_.server.text() + " ended the connection: " + shown(reply)};
        if (conversation_.unanswered() > 0)
            report(conversation_.on_reply(reply));
        else
            finished_ = true; // the reply to QUIT
        return {};
    }

    void report(const PathOutcome& outcome)
    {
        if (outcome.state == PathOutcome::State::failed) some_failed_ = true;
        output_.path(outcome);
    }

    Outcome<void> pump()
    {
        if (more_at_hand_) {
            const auto moved = connection_.exchange();
            return moved ? Outcome<void>{} : moved.error();
        }
        output_.flush();
        const bool listening = source_.needs_input() && has_room();
        return connection_.pump(listening ? source_.input() : -1);
    }

    // The end of the connection before all was answered.
    ExitStatus give_up(Failure failure)
    {
        // Whoever is not logged in has certainly made nothing; otherwise nobody can say what the server still
        // did.
        if (login_failed_)
            failure = with_way_back(std::move(failure), login_);
        else
            failure.message += state_of_paths();
        if (!login_failed_)
            while (const auto unknown = conversation_.next_unknown())
                output_.path(*unknown);
        output_.failure(failure);
        return failure.status;
    }

    std::string state_of_paths() const
    {
        std::string text = "\nAnswered before that: " + std::to_string(conversation_.answered());
        text += "; without an answer (made or not, nobody can say): ";
        text += std::to_string(conversation_.unanswered());
        if (!source_.exhausted()) text += "; what comes after them in the list was not sent";
        return text;
    }

    ControlConnection& connection_;
    const ActiveLogin& login_;
    PathSource& source_;
    MkdirConversation conversation_;
    LoginReplies login_replies_;
    const Output& output_;
    bool more_at_hand_ = false; // that needs no waiting
    bool quit_queued_ = false;
    bool login_failed_ = false;
    bool finished_ = false;
    bool some_failed_ = false;
};

Outcome<ExitStatus> make_directories(const MkdirOptions& options, const Output& output)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto login = find_login(options.common, *state);
    if (!login) return login.error();
    auto connection = open_trusted_connection(login->server, connect_settings(options.common), *state);
    if (!connection) return connection.error();
    PathSource source{options.paths, STDIN_FILENO, options.nul_separated ? '\0' : '\n'};
    return MkdirRun{*connection, *login, source, options.parents, output}.run();
}

} // namespace

ExitStatus mkdir(const MkdirOptions& options)
{
    const Output output{options.common.json};
    const auto status = make_directories(options, output);
    if (status) return *status;
    output.failure(status.error());
    return status.error().status;
}

} // namespace ftpc::client
