#include "client/commands/mkdir_conversation.hpp"
#include "client/commands/output.hpp"
#include "client/commands/path_source.hpp"
#include "client/commands/session_login.hpp"
#include "client/commands/subcommands.hpp"
#include "client/connection/login_replies.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text_lines.hpp"

#include <unistd.h>

#include <optional>
#include <utility>

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

// One run of mkdir: paths are queued while there is room, replies taken as they come.
class MkdirRun {
public:
    MkdirRun(PathSource& source, bool parents, const Output& output)
        : source_{source}, conversation_{parents}, output_{output}
    {}

    // Does everything over `connection`, as the user of `login`. If the server refuses the login, this can be
    // called again for another: nothing has been made, and no path is lost.
    Outcome<void> run(ControlConnection connection, const ActiveLogin& login)
    {
        ControlConnection& opened = connection_.emplace(std::move(connection));
        login_replies_.emplace(login.server, login.user);
        quit_queued_ = false;
        send_session_login(opened, login);
        for (const std::string& command : conversation_.commands_again())
            opened.send(command);
        in_doubt_ = true;
        while (!finished_) {
            queue_paths();
            auto moved = take_replies();
            if (!finished_ && moved) moved = pump();
            if (!moved) return moved;
        }
        opened.close();
        return {};
    }

    ExitStatus status() const { return some_failed_ ? ExitStatus::failed : ExitStatus::done; }

    // The connection ended before all replies. Without a login nothing has been made; otherwise the server
    // may have carried out more commands than it answered.
    ExitStatus give_up(Failure failure)
    {
        if (in_doubt_) failure.message += state_of_paths();
        while (in_doubt_) {
            const auto unknown = conversation_.next_unknown();
            if (!unknown) break;
            output_.path(*unknown);
        }
        output_.failure(failure);
        return failure.status;
    }

private:
    bool has_room() const
    {
        return connection_->unsent() < max_unsent_bytes && conversation_.unanswered() < max_unanswered &&
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
            connection_->send("QUIT");
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
        if (command) return connection_->send(*command);
        std::string reason = path.text.empty() ? "the path is empty" : command.error().message();
        if (begins_as_utf16(path.text)) reason += "; a list in UTF-16 must be saved as UTF-8";
        report({PathOutcome::State::failed, path.text, reason, 0});
    }

    Outcome<void> take_replies()
    {
        while (!finished_) {
            const auto reply = connection_->next_reply();
            if (!reply) return reply.error();
            if (!*reply) return {};
            if (auto taken = on_reply(**reply); !taken) return taken;
        }
        return {};
    }

    Outcome<void> on_reply(const Reply& reply)
    {
        if (!login_replies_->complete()) {
            auto taken = login_replies_->on_reply(reply);
            in_doubt_ = !taken.has_error();
            return taken;
        }
        if (reply.code == 421)
            return Failure{ExitStatus::unreachable,
                           connection_->server().text() + " ended the connection: " + shown(reply)};
        if (conversation_.unanswered() == 0) {
            finished_ = true; // the reply to QUIT
            return {};
        }
        connection_->renew_allowance(); // a list may be of any length
        report(conversation_.on_reply(reply));
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
            const auto moved = connection_->exchange();
            return moved ? Outcome<void>{} : moved.error();
        }
        output_.flush();
        const bool listening = source_.needs_input() && has_room();
        return connection_->pump(listening ? source_.input() : -1);
    }

    std::string state_of_paths() const
    {
        std::string text = "\nAnswered before that: " + std::to_string(conversation_.answered());
        text += "; without an answer (made or not, nobody can say): ";
        text += std::to_string(conversation_.unanswered());
        if (!source_.exhausted()) text += "; later paths in the list were not sent";
        return text;
    }

    PathSource& source_;
    MkdirConversation conversation_;
    const Output& output_;
    std::optional<ControlConnection> connection_;
    std::optional<LoginReplies> login_replies_;
    bool more_at_hand_ = false; // that needs no waiting
    bool quit_queued_ = false;
    bool in_doubt_ = false; // whether the server has carried out unanswered commands
    bool finished_ = false;
    bool some_failed_ = false;
};

Outcome<ExitStatus> make_directories(const MkdirOptions& options, const Output& output)
{
    const auto state = StateDirectory::of_this_user();
    if (!state) return state.error();
    const auto login = find_login(options.common, *state);
    if (!login) return login.error();
    const auto settings = connect_settings(options.common);
    PathSource source{options.paths, STDIN_FILENO, options.nul_separated ? '\0' : '\n'};
    MkdirRun run{source, options.parents, output};
    const auto done = with_saved_login(*login, *state, [&](const ActiveLogin& tried) -> Outcome<void> {
        auto connection = open_trusted_connection(tried.server, settings, *state);
        if (!connection) return connection.error();
        return run.run(std::move(*connection), tried);
    });
    return done ? run.status() : run.give_up(done.error());
}

} // namespace

ExitStatus mkdir(const MkdirOptions& options)
{
    const Output output{options.common.json};
    return output.status_of(make_directories(options, output));
}

} // namespace ftpc::client
