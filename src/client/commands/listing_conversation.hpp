// One listing by SITE MLSD (docs/protocol.md): the command, and its replies put together. A server may
// send anything: an entry that was not asked for ends the conversation.
#pragma once

#include "client/base/failure.hpp"
#include "client/commands/listing.hpp"
#include "shared/protocol/remote_path.hpp"
#include "shared/protocol/reply.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ftpc::client {

class ListingConversation {
public:
    static constexpr unsigned most_depth = 32;

    // The whole listing is held until its end, because it is sorted then. An entry counts with its line,
    // about 200 bytes, so this is room for more than a million entries. The listing of more fails.
    static constexpr std::size_t most_held_bytes = std::size_t{256} * 1024 * 1024;

    // `depth`: how many levels down, 0 to most_depth. `server` is named in failures.
    ListingConversation(std::string server, RemotePath path, unsigned depth,
                        std::size_t held_bytes = most_held_bytes)
        : server_{std::move(server)}, path_{std::move(path)}, depth_{depth}, room_{held_bytes}
    {}
    ListingConversation(const ListingConversation&) = delete;
    ListingConversation& operator=(const ListingConversation&) = delete;

    std::string command() const;

    const RemotePath& path() const { return path_; }

    enum class State {
        more,     // another reply comes
        complete, // all is in top()
        refused,  // reason() says why
    };

    // Takes the next reply to the command. Fails with ExitStatus::unreachable if the server does not keep to
    // the protocol or does not know the command. Fails with ExitStatus::failed if the listing is too large.
    Outcome<State> on_reply(const Reply& reply);

    // The entry of the path itself, with all that lies beneath it.
    Listed& top() { return top_; }

    // The server's words for names that it left out; empty if there are none. Safe to print.
    const std::string& left_out() const { return left_out_; }

    // Why the path is not listed, safe to print, and the code of the reply.
    const std::string& reason() const { return reason_; }
    int code() const { return code_; }

private:
    Outcome<State> take_piece(const Reply& reply);
    Outcome<void> take_line(std::string_view line);
    bool put_top(const FactLine& line);
    bool put_entry(const FactLine& line);
    void open(std::string_view path, Listed& directory);
    State finish(std::string_view last_line);
    Failure broken(const std::string& what) const;

    // A directory whose entries may come next.
    struct Open {
        std::string path; // relative to the top, which is ""
        Listed* directory;
    };

    std::string server_;
    RemotePath path_;
    unsigned depth_;
    std::size_t room_; // bytes
    Listed top_;
    bool has_top_ = false;
    std::vector<Open> open_; // from the top down, each in the one before
    std::string left_out_;
    std::string reason_;
    int code_ = 0;
};

} // namespace ftpc::client
