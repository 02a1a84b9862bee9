#include "client/connection/auth_tls.hpp"

#include "shared/base/text.hpp"
#include "shared/protocol/line_buffer.hpp"
#include "shared/protocol/reply.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <optional>

namespace ftpc::client {

namespace {

// More lines than this no greeting has.
constexpr int max_lines_in_clear = 200;

// The replies that come in clear: first the greeting, then the answer to AUTH TLS.
class ClearReplies {
public:
    explicit ClearReplies(const ServerAddress& server) : server_{server} {}

    bool consented() const { return consented_; }

    Outcome<void> on_line(std::string_view line)
    {
        if (++lines_ > max_lines_in_clear) return not_ftp("its greeting has no end");
        switch (reader_.feed(line)) {
        case ReplyReader::State::incomplete:
            return {};
        case ReplyReader::State::malformed:
            return not_ftp("it answered '" + printable(line.substr(0, 80)) + "'");
        case ReplyReader::State::complete:
            break;
        }
        return greeted_ ? on_answer(reader_.reply()) : on_greeting(reader_.reply());
    }

    Failure not_ftp(const std::string& reason) const
    {
        return {ExitStatus::unreachable, server_.text() + " does not speak FTP: " + reason};
    }

private:
    Outcome<void> on_greeting(const Reply& reply)
    {
        if (reply.code == 120) return {}; // "ready in a moment": the greeting proper follows (RFC 959 §5.4)
        if (reply.code != 220) return turned_away(ExitStatus::unreachable, "turns connections away", reply);
        greeted_ = true;
        return {};
    }

    Outcome<void> on_answer(const Reply& reply)
    {
        if (reply.code == 421) return turned_away(ExitStatus::unreachable, "ended the connection", reply);
        if (reply.code != 234)
            return turned_away(ExitStatus::untrusted, "refuses TLS, so nothing was sent to it", reply);
        consented_ = true;
        return {};
    }

    Failure turned_away(ExitStatus status, std::string_view what, const Reply& reply) const
    {
        return {status, server_.text() + " " + std::string{what} + ": " + std::to_string(reply.code) + " " +
                            printable(reply.text.substr(0, reply.text.find('\n')))};
    }

    const ServerAddress& server_;
    ReplyReader reader_;
    int lines_ = 0;
    bool greeted_ = false;
    bool consented_ = false;
};

Outcome<void> feed_lines(LineBuffer& buffer, ClearReplies& replies)
{
    while (!replies.consented()) {
        const auto line = buffer.next();
        if (line.status == LineBuffer::Status::need_more) return {};
        if (line.status != LineBuffer::Status::line) return replies.not_ftp("it sent a line without end");
        if (auto taken = replies.on_line(line.text); !taken) return taken;
    }
    return {};
}

} // namespace

Outcome<void> begin_tls(int socket, const ServerAddress& server, Deadline deadline)
{
    constexpr std::string_view command = "AUTH TLS\r\n";
    // A few bytes always fit into the buffer of a new connection. A refusal shows when reading.
    [[maybe_unused]] const auto sent = ::send(socket, command.data(), command.size(), MSG_NOSIGNAL);

    const auto lost = [&](const std::string& reason) {
        return Failure{ExitStatus::unreachable, "connection to " + server.text() + " lost: " + reason};
    };
    LineBuffer buffer;
    ClearReplies replies{server};
    while (!replies.consented()) {
        if (!wait_for(socket, POLLIN, deadline)) return lost("no answer in time");
        const auto room = buffer.room();
        const ssize_t got = ::recv(socket, room.data(), room.size(), 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return lost(last_system_error().message());
        if (got == 0) return lost("the server closed it before TLS");
        buffer.received(static_cast<std::size_t>(got));
        if (auto taken = feed_lines(buffer, replies); !taken) return taken;
    }
    if (buffer.pending() > 0)
        return Failure{ExitStatus::untrusted,
                       server.text() + " sent something in clear behind its consent to TLS: somebody may be "
                                       "interfering with the connection"};
    return {};
}

} // namespace ftpc::client
