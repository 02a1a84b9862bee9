// Making directories over a control connection: one command for each path, and one result for each reply.
#pragma once

#include "shared/base/result.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::client {

// The result of one path.
struct PathOutcome {
    enum class State {
        made,
        existed, // with parents: all of it was there already
        failed,
        unknown, // the connection ended before the reply
    };
    State state;
    std::string path;   // absolute if it was made or was there, else as it was given
    std::string reason; // why not; safe to print
    int code = 0;       // the server's reply code; 0 if the server was not asked
};

class MkdirConversation {
public:
    // `with_parents`: missing directories above are made too (SITE MKDIR, docs/protocol.md §10).
    explicit MkdirConversation(bool with_parents) : with_parents_{with_parents} {}

    // The command that makes `path`, without its CRLF. Its reply is due from now on. Fails, and expects no
    // reply, when the path cannot be sent. The errors are those of RemotePath::resolve, and
    // Errc::name_too_long if the reply would not fit into a line.
    Result<std::string> add(std::string_view path);

    // The commands of all paths whose reply is due, in order: for another connection, when the one before has
    // carried out nothing.
    std::vector<std::string> commands_again() const;

    // Takes the reply to the oldest command without one; there must be one.
    PathOutcome on_reply(const Reply& reply);

    // The connection has ended: gives out, one by one, the paths that nothing is known of.
    std::optional<PathOutcome> next_unknown();

    std::size_t unanswered() const { return paths_.size(); }
    std::size_t unanswered_bytes() const { return unanswered_bytes_; }
    std::size_t answered() const { return answered_; }

private:
    std::string command(const RemotePath& resolved) const;
    std::string take_oldest();

    bool with_parents_;
    std::deque<std::string> paths_; // whose replies are due, as they were given
    std::size_t unanswered_bytes_ = 0;
    std::size_t answered_ = 0;
};

} // namespace ftpc::client
