#include "server/auth/state/login_history.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

namespace {

// If there are too many, users without a good login go first, then those with the oldest one. So guessed
// names only drive out users that nobody misses. A time in the future comes from a clock that was ahead, and
// says nothing.
std::pair<std::uint64_t, std::uint64_t> worth(const UserLogins& logins, std::uint64_t now)
{
    const auto known = [now](std::uint64_t time) { return time <= now ? time : 0; };
    return {logins.good ? known(logins.good->time) : 0,
            logins.failed.empty() ? 0 : known(logins.failed.back().last.time)};
}

std::uint64_t last_time(const UserLogins& logins)
{
    return std::max(logins.good ? logins.good->time : 0,
                    logins.failed.empty() ? 0 : logins.failed.back().last.time);
}

} // namespace

void LoginHistory::succeeded(const User& user, const LoginFrom& from)
{
    UserLogins& logins = logins_of(user.name, from.time);
    if (logins.generation != user.generation) logins.known.clear();
    logins.generation = user.generation;
    logins.good = from;
    const PeerNetwork network = network_of(from.peer);
    std::erase_if(logins.known, [&](const KnownNetwork& known) { return known.network == network; });
    if (logins.known.size() >= max_known) logins.known.erase(logins.known.begin());
    logins.known.push_back({network, from.time});
}

void LoginHistory::failed(std::string_view name, const LoginFrom& from, std::string_view reason)
{
    std::vector<FailedLogin>& failed = logins_of(name, from.time).failed;
    FailedLogin entry{from, 1, std::string{reason}};
    const auto alike = std::find_if(failed.begin(), failed.end(), [&](const FailedLogin& f) {
        return f.last.peer == from.peer && f.last.method == from.method && f.reason == reason;
    });
    if (alike != failed.end()) {
        entry.times = alike->times + 1;
        failed.erase(alike);
    }
    if (failed.size() >= max_failed) failed.erase(failed.begin());
    failed.push_back(std::move(entry));
}

bool LoginHistory::knows(const User& user, const ipc::PeerAddress& peer) const
{
    const auto found = users_.find(user.name);
    if (found == users_.end() || found->second.generation != user.generation) return false;
    const PeerNetwork network = network_of(peer);
    return std::any_of(found->second.known.begin(), found->second.known.end(),
                       [&](const KnownNetwork& known) { return known.network == network; });
}

bool LoginHistory::forget_those_gone(const UserStore& users, Moment now)
{
    const auto gone = [&](const auto& entry) {
        const Moment last{std::chrono::seconds{static_cast<std::int64_t>(last_time(entry.second))}};
        return now - last > kept_when_gone && !users.find(entry.first);
    };
    return std::erase_if(users_, gone) != 0;
}

UserLogins& LoginHistory::logins_of(std::string_view name, std::uint64_t now)
{
    const auto found = users_.find(name);
    if (found != users_.end()) return found->second;
    if (users_.size() >= max_users)
        users_.erase(std::min_element(users_.begin(), users_.end(), [&](const auto& a, const auto& b) {
            return worth(a.second, now) < worth(b.second, now);
        }));
    return users_.emplace(name, UserLogins{}).first->second;
}

} // namespace ftpc::server
