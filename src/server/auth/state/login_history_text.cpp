#include "server/auth/state/login_history_text.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/error.hpp"
#include "shared/base/numbers.hpp"
#include "shared/base/text.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/files/file.hpp"

#include <array>
#include <cstdint>

namespace ftpc::server {

namespace {

constexpr std::string_view header = "# Logins, written by ftpcd for `ftpcd why NAME`. Can be removed.\n";
constexpr std::size_t max_reason_bytes = 100;

std::string milliseconds_text(Moment moment)
{
    return std::to_string(moment.time_since_epoch().count());
}

void append_from(std::string& text, const LoginFrom& from)
{
    text += address_text(from.peer) + " " + from.method;
}

// Takes words off a line; once something is wrong nothing is right any more.
class Words {
public:
    explicit Words(std::string_view line) : rest_{line} {}

    std::string_view word()
    {
        const auto end = rest_.find(' ');
        const std::string_view word = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (word.empty()) ok_ = false;
        return word;
    }
    std::uint64_t number()
    {
        // Seconds and milliseconds of any century to come, so that sums do not overflow.
        constexpr std::uint64_t most = (std::uint64_t{1} << 48U) - 1;
        const auto value = parse_number<std::uint64_t>(word(), 0, most);
        if (!value) ok_ = false;
        return value.value_or(0);
    }
    Moment moment() { return Moment{std::chrono::milliseconds{static_cast<std::int64_t>(number())}}; }
    ipc::PeerAddress address()
    {
        const auto address = parse_address(word());
        if (!address) ok_ = false;
        return address.value_or(ipc::PeerAddress{});
    }
    template <std::size_t N>
    std::array<std::uint8_t, N> hex()
    {
        std::array<std::uint8_t, N> bytes{};
        if (!hex_decode_into(word(), bytes)) ok_ = false;
        return bytes;
    }
    std::string method()
    {
        const std::string_view text = word();
        if (text != "password" && text != "prehash" && text != "session-key") ok_ = false;
        return std::string{text};
    }
    // All that is left.
    std::string reason()
    {
        std::string text{rest_.substr(0, max_reason_bytes)};
        if (text.empty() || rest_.size() > max_reason_bytes || printable(text) != text) ok_ = false;
        rest_ = {};
        return text;
    }
    bool ok() const { return ok_; }
    bool complete() const { return ok_ && rest_.empty(); }

private:
    std::string_view rest_;
    bool ok_ = true;
};

class Parser {
public:
    bool take(std::string_view line)
    {
        Words words{line};
        const std::string_view kind = words.word();
        if (kind == "user") return take_user(words);
        if (kind == "address") return take_penalty(words, saved_.limiter.addresses, true);
        if (kind == "account") return take_penalty(words, saved_.limiter.accounts, false);
        return user_ != nullptr && take_of_user(kind, words);
    }
    SavedLogins result() { return std::move(saved_); }

private:
    bool take_user(Words& words)
    {
        const std::string name{words.word()};
        const auto generation = hex_decode_number(words.word());
        if (!generation || !words.complete() || !is_user_name(name) || saved_.users.contains(name) ||
            saved_.users.size() >= LoginHistory::max_users)
            return false;
        user_ = &saved_.users[name];
        user_->generation = *generation;
        return true;
    }

    bool take_of_user(std::string_view kind, Words& words)
    {
        if (kind == "known") {
            const PeerNetwork network = words.address();
            user_->known.push_back({network, words.number()});
            return words.complete() && network == network_of(network) &&
                   user_->known.size() <= LoginHistory::max_known;
        }
        if (kind == "good") {
            const bool first = !user_->good;
            user_->good = take_from(words, words.number());
            return words.complete() && first;
        }
        if (kind != "failed") return false;
        const std::uint64_t time = words.number();
        const std::uint64_t times = words.number();
        LoginFrom from = take_from(words, time);
        user_->failed.push_back({std::move(from), times, words.reason()});
        return words.complete() && user_->failed.size() <= LoginHistory::max_failed;
    }

    static LoginFrom take_from(Words& words, std::uint64_t time)
    {
        LoginFrom from{.time = time, .peer = words.address(), .method = {}};
        from.method = words.method();
        return from;
    }

    static bool take_penalty(Words& words, std::vector<PenaltyTable::Saved>& all, bool by_address)
    {
        PenaltyTable::Saved saved{};
        saved.key = by_address ? words.address() : words.hex<std::tuple_size_v<PenaltyTable::Key>>();
        saved.forgotten = words.moment();
        saved.penalty_end = words.moment();
        all.push_back(saved);
        return words.complete() && all.size() <= LoginLimiter::max_saved;
    }

    SavedLogins saved_;
    UserLogins* user_ = nullptr; // the user of these lines
};

} // namespace

std::string login_history_text(const LoginHistory::Users& users, const LoginLimiter::State& limiter)
{
    std::string text = login_history_header();
    for (const auto& [name, logins] : users)
        append_user_logins(text, name, logins);
    append_limiter(text, limiter);
    return text;
}

std::string login_history_header()
{
    return std::string{header};
}

void append_user_logins(std::string& text, const std::string& name, const UserLogins& logins)
{
    text += "user " + name + " " + hex_encode(logins.generation) + "\n";
    for (const KnownNetwork& known : logins.known)
        text += "known " + address_text(known.network) + " " + std::to_string(known.time) + "\n";
    if (logins.good) {
        text += "good " + std::to_string(logins.good->time) + " ";
        append_from(text, *logins.good);
        text += "\n";
    }
    for (const FailedLogin& failed : logins.failed) {
        text += "failed " + std::to_string(failed.last.time) + " " + std::to_string(failed.times) + " ";
        append_from(text, failed.last);
        text += " " + failed.reason + "\n";
    }
}

void append_limiter(std::string& text, const LoginLimiter::State& limiter)
{
    for (const PenaltyTable::Saved& saved : limiter.addresses)
        text += "address " + address_text(saved.key) + " " + milliseconds_text(saved.forgotten) + " " +
                milliseconds_text(saved.penalty_end) + "\n";
    for (const PenaltyTable::Saved& saved : limiter.accounts)
        text += "account " + hex_encode(saved.key) + " " + milliseconds_text(saved.forgotten) + " " +
                milliseconds_text(saved.penalty_end) + "\n";
}

Result<SavedLogins> parse_login_history(std::string_view text)
{
    Parser parser;
    for (TextLines lines{text}; lines.next();) {
        if (!lines.has_end()) return Errc::bad_argument; // cut off
        if (lines.line().starts_with('#')) continue;
        if (!parser.take(lines.line())) return Errc::bad_argument;
    }
    return parser.result();
}

Result<SavedLogins> read_login_history(int data)
{
    const auto text = read_private_file(data, login_history_file_name, max_login_history_bytes);
    if (!text && text.error() == boost::system::errc::no_such_file_or_directory) return SavedLogins{};
    if (!text) return text.error();
    return parse_login_history(*text);
}

} // namespace ftpc::server
