// A stream of bytes through the line buffer and the session, with results of the session's requests that the
// input chooses. For any input the replies are well-formed, no login happens without a granted request inside
// TLS, and the working directory is absolute and normalised.
#include "fuzz/require.hpp"
#include "server/ftp/session/session.hpp"
#include "shared/base/error.hpp"
#include "shared/base/text.hpp"
#include "shared/protocol/line_buffer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

using namespace ftpc;
using namespace ftpc::server;
using fuzz::require;

namespace {

// The results, taken from the front of the input one by one and again from its beginning.
class Choices {
public:
    explicit Choices(std::string_view bytes) : bytes_{bytes} {}

    std::size_t below(std::size_t bound)
    {
        return static_cast<unsigned char>(bytes_[next_++ % bytes_.size()]) % bound;
    }

private:
    std::string_view bytes_;
    std::size_t next_ = 0;
};

void check_reply(const Reply& reply)
{
    require(reply.code >= 200 && reply.code <= 599, "a reply code is between 200 and 599");
    std::string_view rest = reply.text;
    while (true) {
        const auto end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        require(is_utf8(line) && !has_control_character(line),
                "a line of a reply is UTF-8 without control characters");
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
    // The sent bytes are one reply again for any reader.
    std::string wire;
    append_wire(wire, reply);
    ReplyReader reader;
    auto state = ReplyReader::State::incomplete;
    for (std::size_t begin = 0; begin < wire.size();) {
        require(state == ReplyReader::State::incomplete, "a reply ends with its last line");
        const std::size_t end = wire.find("\r\n", begin);
        require(end != std::string::npos, "a reply ends with CRLF");
        state = reader.feed(std::string_view{wire}.substr(begin, end - begin));
        begin = end + 2;
    }
    require(state == ReplyReader::State::complete && reader.reply() == reply,
            "a reply is read as it was sent");
}

void check_path(const RemotePath& path)
{
    const std::string_view text = path.text();
    require(text.starts_with('/') && text.size() <= max_path_bytes,
            "a path is absolute and of bounded length");
    require(is_utf8(text) && !has_control_character(text), "a path is UTF-8 without control characters");
    if (path.is_home()) return;
    std::string_view rest = path.relative();
    while (true) {
        const auto end = rest.find('/');
        const std::string_view name = rest.substr(0, end);
        require(!name.empty() && name != "." && name != ".." && name.size() <= max_name_bytes,
                "a path is normalised");
        if (end == std::string_view::npos) break;
        rest.remove_prefix(end + 1);
    }
}

// The part of a connection around its session.
class Client {
public:
    explicit Client(Choices choices) : choices_{choices} {}

    // False when the connection is over.
    bool take(const LineBuffer::Line& line)
    {
        const bool was_logged_in = session_.logged_in();
        granted_ = false;
        if (line.status == LineBuffer::Status::too_long)
            check_reply(session_.on_line_too_long());
        else if (line.status == LineBuffer::Status::endless)
            (*this)(session_.on_endless_line());
        else
            std::visit([this](const auto& action) { (*this)(action); }, session_.on_line(line.text));
        require(!session_.logged_in() || was_logged_in || granted_, "a login was granted");
        require(!session_.logged_in() || tls_ != TlsVersion::none, "a login is inside TLS");
        require(session_.logged_in() || session_.working_directory().is_home(),
                "who is not logged in is nowhere");
        check_path(session_.working_directory());
        return !over_;
    }

    void operator()(const Reply& reply) { check_reply(reply); }
    void operator()(const LastReply& last)
    {
        if (last.before) check_reply(*last.before);
        check_reply(last.reply);
        over_ = true;
    }
    void operator()(const StartTls& start)
    {
        check_reply(start.reply);
        require(tls_ == TlsVersion::none, "TLS begins in clear");
        tls_ = choices_.below(4) == 0 ? TlsVersion::tls_1_2 : TlsVersion::tls_1_3;
        session_.on_tls(tls_);
        refused_ = 0;
    }
    void operator()(const StopTls& stop)
    {
        check_reply(stop.reply);
        require(tls_ != TlsVersion::none && !session_.logged_in(), "TLS ends with the login");
        tls_ = TlsVersion::none;
    }
    void operator()(const LogInByPassword& login)
    {
        require(check_password(view(login.password)).has_value(), "a password is well-formed");
        log_in(login.user);
    }
    void operator()(const LogInByPrehash& login) { log_in(login.user); }
    void operator()(const LogInBySessionKey& login)
    {
        require(tls_ == TlsVersion::tls_1_3, "a session key is used inside TLS 1.3");
        log_in(login.user);
    }
    void operator()(const EnrolKey&)
    {
        require(may_enrol_, "a key is enrolled once for each login");
        may_enrol_ = false;
        check_reply(session_.on_key_enrolled({0, choices_.below(2) == 0, {}, choices_.below(256)}));
    }
    void operator()(const EndKey&)
    {
        require_login();
        check_reply(session_.on_key_ended({0, static_cast<ipc::EndStatus>(1 + choices_.below(3))}));
    }
    void operator()(const ListKeys&)
    {
        require_login();
        check_reply(session_.on_keys_listed(
            {0, std::vector<ipc::ListedKey>(choices_.below(ipc::max_listed_keys + 1))}));
    }
    void operator()(const ChangeDirectory& change)
    {
        require_login();
        check_path(change.path);
        check_reply(session_.on_directory_changed(change.path, result()));
    }
    void operator()(const MakeDirectory& make)
    {
        require_login();
        check_new_path(make.path);
        require(!make.in_working_directory || make.path.parent() == session_.working_directory(),
                "what is made in the working directory has it as its parent");
        check_reply(session_.on_directory_made(make.path, result()));
    }
    void operator()(const MakePath& make)
    {
        require_login();
        check_new_path(make.path);
        check_reply(session_.on_path_made(make.path, choices_.below(2) == 0, result()));
    }
    void operator()(const OpenPassivePort& open)
    {
        require_login();
        PassivePort port{std::nullopt, static_cast<std::uint16_t>(choices_.below(256) * 257)};
        if (choices_.below(2) == 0) port.ipv4 = {192, 0, 2, 255};
        check_reply(Session::on_passive_port(open, or_failure(port)));
    }
    void operator()(const SendListing& send)
    {
        require_login();
        check_path(send.path);
    }
    void operator()(const AbortTransfer&)
    {
        require_login();
        check_reply(Session::on_nothing_to_abort());
    }
    void operator()(const ShowFacts& show)
    {
        check_listed(show.path);
        check_reply(Session::on_facts(
            show.path, or_failure(show.facts.option_text() + " " + std::string{show.path.text()})));
    }
    void operator()(const ShowStatus& show) { check_listed(show.path); }
    void operator()(const ShowSize& show)
    {
        check_listed(show.path);
        std::optional<std::uint64_t> size;
        if (choices_.below(2) == 0) size = choices_.below(256);
        check_reply(Session::on_size(show.path, or_failure(size)));
    }
    void operator()(const ShowModified& show)
    {
        check_listed(show.path);
        constexpr std::array times{std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40U,
                                   std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()};
        check_reply(Session::on_modified(show.path, or_failure(times[choices_.below(times.size())])));
    }
    void operator()(const TellTime&)
    {
        require(tls_ != TlsVersion::none, "the time is told inside TLS");
        check_reply(Session::on_time({.received = std::chrono::nanoseconds{choices_.below(256)},
                                      .sent = std::chrono::seconds{choices_.below(256) << 23U},
                                      .state = static_cast<ServerTime::State>(choices_.below(3)),
                                      .max_error = std::chrono::microseconds{choices_.below(256)},
                                      .zone_offset = -static_cast<long>(choices_.below(256)) * 300}));
    }
    void operator()(const ListTree& tree)
    {
        check_listed(tree.path);
        require(tree.depth <= 32, "a tree is listed to a bounded depth");
    }

private:
    void log_in(const std::string& user)
    {
        require(tls_ != TlsVersion::none, "a login is asked for inside TLS");
        require(user.empty() || is_user_name(user), "auth is asked for user names only");
        require(refused_ < 3, "nobody tries after a third refusal");
        const std::array outcomes{LoginOutcome::granted, LoginOutcome::granted, LoginOutcome::refused,
                                  LoginOutcome::busy, LoginOutcome::unavailable};
        const LoginOutcome outcome = outcomes[choices_.below(outcomes.size())];
        granted_ = may_enrol_ = outcome == LoginOutcome::granted;
        if (outcome == LoginOutcome::refused) ++refused_;
        std::visit([this](const auto& action) { (*this)(action); }, session_.on_login(outcome));
        require(session_.logged_in() == granted_, "the outcome of a login counts");
        if (outcome == LoginOutcome::busy) require(over_, "a busy server ends the connection");
    }

    void require_login() const
    {
        require(session_.logged_in(), "only who is logged in does anything in the tree");
    }

    void check_listed(const RemotePath& path) const
    {
        require_login();
        check_path(path);
    }

    static void check_new_path(const RemotePath& path)
    {
        check_path(path);
        require(path.depth() <= max_new_depth, "directories are made to a bounded depth");
    }

    error_code result()
    {
        constexpr std::array failures{0,      EEXIST, ENOENT, ENOTDIR, EACCES,      EXDEV,
                                      ENOSPC, EDQUOT, EIO,    EAGAIN,  ENAMETOOLONG};
        const std::size_t which = choices_.below(2 * failures.size());
        if (which == failures.size()) return Errc::directory_exists;
        return {which < failures.size() ? failures[which] : 0, boost::system::system_category()};
    }

    // The value, or one of the failures.
    template <class Value>
    Result<Value> or_failure(Value value)
    {
        if (const error_code failure = result()) return failure;
        return value;
    }

    const std::string realm_ = "6f2c8e1bd0a94f7793ab5c44e1d2f0a7";
    Session session_{realm_};
    Choices choices_;
    TlsVersion tls_ = TlsVersion::none;
    bool granted_ = false;   // by the line under way
    bool may_enrol_ = false; // no more than that; the session is stricter with session keys
    int refused_ = 0;
    bool over_ = false;
};

void converse(std::string_view bytes, Client& client)
{
    LineBuffer buffer;
    while (!bytes.empty()) {
        const auto room = buffer.room();
        const std::size_t size = std::min(room.size(), bytes.size());
        std::copy_n(bytes.begin(), size, room.begin());
        buffer.received(size);
        bytes.remove_prefix(size);
        while (true) {
            const auto line = buffer.next();
            if (line.status == LineBuffer::Status::need_more) break;
            if (!client.take(line)) return;
        }
    }
}

// So that seeds can be written and mutated as text, a lone LF is sent as CRLF.
std::string with_line_ends(std::string_view input)
{
    std::string out;
    for (std::size_t i = 0; i < input.size(); ++i) {
        if (input[i] == '\n' && (i == 0 || input[i - 1] != '\r')) out += '\r';
        out += input[i];
    }
    return out;
}

} // namespace

// The first line of the input has the results, the rest the client's bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input{reinterpret_cast<const char*>(data), size};
    const auto end = input.find('\n');
    if (end == std::string_view::npos || end == 0) return 0;
    Client client{Choices{input.substr(0, end)}};
    converse(with_line_ends(input.substr(end + 1)), client);
    return 0;
}
