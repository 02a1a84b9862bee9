// Replies of the control connection (RFC 959 §4.2): a three-digit code and text, one line or several.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ftpc {

struct Reply {
    int code = 0;     // 100-599
    std::string text; // lines parted by '\n'; one line has none

    friend bool operator==(const Reply&, const Reply&) = default;
};

// The text of a 530 that concerns the home begins so: the login was good, and to log in anew does not help.
inline constexpr std::string_view home_unusable = "Your home directory ";

// Appends the reply as it travels, with CRLF. Several lines take the form "211-first", " middle", "211 last".
void append_wire(std::string& out, const Reply& reply);

// Puts replies together again from the lines of a connection, without their CRLF.
class ReplyReader {
public:
    enum class State { incomplete, complete, malformed };

    // The longest reply that is put together; a server that goes on beyond it is not believed.
    static constexpr std::size_t max_reply_bytes = 65536;

    // Feeds one line. `complete`: the reply is in reply(), and the next line begins another.
    // `malformed`: the other side does not speak FTP, or the reply has no end.
    State feed(std::string_view line);

    const Reply& reply() const { return reply_; }

private:
    Reply reply_;
    bool in_several_lines_ = false;
};

} // namespace ftpc
