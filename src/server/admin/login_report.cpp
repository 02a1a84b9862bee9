#include "server/admin/login_report.hpp"

#include "shared/base/base64.hpp"
#include "shared/base/utc_time.hpp"

#include <algorithm>
#include <ctime>
#include <limits>

namespace ftpc::server {

namespace {

std::uint64_t seconds(Moment moment)
{
    const auto count = std::chrono::ceil<std::chrono::seconds>(moment).time_since_epoch().count();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

std::string from_text(const LoginFrom& from)
{
    return utc_time_text(from.time) + " from " + address_text(from.peer) + " by " + from.method;
}

class Writer {
public:
    explicit Writer(const LoginFacts& facts) : facts_{facts} {}

    LoginReport write()
    {
        if (!facts_.user)
            problem("there is no such user; add it with: ftpcd user add " + facts_.name + facts_.flags);
        else
            write_of_user(*facts_.user);
        LoginReport report{problems_.empty() && exceptions_.empty(), {}};
        if (report.can_log_in) report.lines.push_back(facts_.name + " can log in, as far as is known");
        for (const std::string& text : problems_)
            report.lines.push_back(facts_.name + " cannot log in: " + text);
        for (const std::string& text : exceptions_)
            report.lines.push_back(problems_.empty() ? facts_.name + " can log in, but not " + text
                                                     : "  nor " + text);
        for (const std::string& text : notes_)
            report.lines.push_back("  " + text);
        return report;
    }

private:
    void problem(std::string text) { problems_.push_back(std::move(text)); }
    void note(std::string text) { notes_.push_back(std::move(text)); }

    void write_of_user(const User& user)
    {
        if (user.locked)
            problem("the user is locked; unlock with: ftpcd user unlock " + user.name + facts_.flags);
        if (!facts_.password_problem.empty()) problem(facts_.password_problem);
        if (!facts_.home_problem.empty()) problem(facts_.home_problem);
        const auto found = facts_.saved.users.find(user.name);
        const UserLogins logins = found != facts_.saved.users.end() ? found->second : UserLogins{};
        write_limits(user, logins);
        write_history(logins);
        for (const SessionKey& key : facts_.session_keys)
            write_key(user, key);
    }

    void write_limits(const User& user, const UserLogins& logins)
    {
        for (const PenaltyTable::Saved& address : facts_.saved.limiter.addresses)
            if (facts_.limits_addresses && address.penalty_end > facts_.now)
                write_limited_address(address, logins);
        if (!facts_.limits_accounts) return;
        const auto key = account_key(user.name);
        for (const PenaltyTable::Saved& account : facts_.saved.limiter.accounts)
            if (account.key == key && account.penalty_end > facts_.now)
                note("slowed until " + utc_time_text(seconds(account.penalty_end)) +
                     ": many logins have failed at this account; those from new addresses wait up to 5 s");
    }

    void write_limited_address(const PenaltyTable::Saved& address, const UserLogins& logins)
    {
        const std::string text = "by password from " + address_text(address.key) + " until " +
                                 utc_time_text(seconds(address.penalty_end)) +
                                 ": too many logins from there have failed";
        const auto failed_there = [&](const FailedLogin& f) {
            return network_of(f.last.peer) == address.key;
        };
        const bool has_failed = std::any_of(logins.failed.begin(), logins.failed.end(), failed_there);
        const bool is_home = std::any_of(logins.known.begin(), logins.known.end(),
                                         [&](const KnownNetwork& k) { return k.network == address.key; });
        if (is_home || (has_failed && logins.known.empty()))
            exceptions_.push_back(text);
        else if (has_failed)
            note("no login " + text);
    }

    void write_history(const UserLogins& logins)
    {
        note(logins.good ? "last good login " + from_text(*logins.good) : "no good login is remembered");
        for (auto failed = logins.failed.rbegin(); failed != logins.failed.rend(); ++failed)
            note("failed " + from_text(failed->last) + ": " + failed->reason +
                 (failed->times > 1 ? " (" + std::to_string(failed->times) + " times)" : ""));
    }

    void write_key(const User& user, const SessionKey& key)
    {
        const std::string name = "session key " + hex_encode(key.id);
        const std::string end = utc_time_text(end_of(key, facts_.session_ttl));
        const KeyState state = state_of(key, seconds(facts_.now), facts_.session_ttl);
        if (state == KeyState::expired)
            note(name + " expired at " + end + "; the user logs in with the password again");
        else if (state == KeyState::from_the_future)
            note(name + " was made at " + utc_time_text(key.created) +
                 ", which is yet to come: the clock was ahead then, or is behind now; it is refused, "
                 "and the user logs in with the password again");
        else if (key.generation != user.generation)
            note(name + " is from before the last change of the user; it is good no longer");
        else
            note(name + " is good until " + end);
    }

    const LoginFacts& facts_;
    std::vector<std::string> problems_;
    std::vector<std::string> exceptions_; // for some clients
    std::vector<std::string> notes_;
};

} // namespace

LoginReport login_report(const LoginFacts& facts)
{
    return Writer{facts}.write();
}

std::string utc_time_text(std::uint64_t seconds)
{
    constexpr std::uint64_t most = std::numeric_limits<std::time_t>::max();
    const std::string text = utc_text(static_cast<std::time_t>(std::min(seconds, most)));
    return text.empty() ? std::to_string(seconds) : text;
}

} // namespace ftpc::server
