// How far a connection has come on its way to its end. It never goes back.
#pragma once

#include "shared/protocol/reply.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace ftpc::server {

class ConnectionStage {
public:
    // Commands are read and answered.
    bool is_serving() const { return stage_ == Stage::serving; }
    // The client takes its last replies in peace: nobody has cut it off, and it may still be there.
    bool may_linger() const { return stage_ <= Stage::closing; }
    // Something may be waited for.
    bool may_wait() const { return stage_ < Stage::cut_off; }
    // Something may be sent.
    bool may_send() const { return stage_ < Stage::unreachable; }

    // The server ends the connection: no command is begun any more, and `last` is the last reply. The first
    // such reply counts.
    void end(Reply last);

    // The same at once: nothing is waited for. Its reply counts unless the connection has come to its end by
    // itself.
    void end_at_once(Reply last);

    // After its last reply, as QUIT asks.
    void close(std::string_view reason);

    // Nothing more comes from the client, or nothing that makes sense.
    void input_ended(std::string_view reason);

    // Nothing is waited for any more.
    void cut_off(std::string_view reason);

    // Nothing more can be sent.
    void output_failed(std::string_view reason);

    // To be sent when the command under way is answered, before the connection closes.
    const std::optional<Reply>& last_reply() const { return last_reply_; }

    // Why it ends, for the log: the text of the last reply, or else the first reason that there was.
    std::string_view reason() const;

private:
    enum class Stage { serving, ending, closing, input_ended, cut_off, unreachable };
    void advance(Stage to, std::string_view reason);

    Stage stage_ = Stage::serving;
    std::optional<Reply> last_reply_;
    std::string reason_;
};

} // namespace ftpc::server
