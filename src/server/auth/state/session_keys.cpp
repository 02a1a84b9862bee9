#include "server/auth/state/session_keys.hpp"

#include "server/auth/state/broken_file.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::string_view header =
    "# Session keys of ftpcd, written by the server. They end with `ftpc logout`, or\n"
    "# all of a user's with `ftpcd user passwd` and `ftpcd user lock`.\n";

} // namespace

std::uint64_t system_clock_seconds()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count(), 0));
}

std::uint64_t steady_clock_seconds()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

SessionKeys::SessionKeys(int data, Clock clock, Clock steady)
    : data_{data}, clock_{std::move(clock)}, steady_{std::move(steady)}
{
    trust_.look(clock_(), steady_());
}

SessionKeys::Loaded SessionKeys::load()
{
    remove_left_temporaries(data_, sessions_file_name);
    const auto text = read_private_file(data_, sessions_file_name, max_sessions_file_bytes);
    if (!text && text.error() == boost::system::errc::no_such_file_or_directory) return {};
    if (!text && !is_broken(text.error())) return {{}, {{sessions_file_name, why_not_read(text.error())}}};
    auto parsed = text ? parse_session_keys(*text)
                       : ParsedSessionKeys{{}, {{sessions_file_name, why_not_read(text.error())}}};
    if (parsed.problems.empty()) {
        for (const SessionKey& key : parsed.keys)
            insert(key);
        return {};
    }
    // An empty file takes its place: that there is one says that there have been users (ensure_users_file).
    auto name = set_aside(data_, sessions_file_name, clock_(), std::string{header});
    if (name) return {std::move(*name), std::move(parsed.problems)};
    parsed.problems.push_back({sessions_file_name, "cannot be set aside: " + name.error().message()});
    return {{}, std::move(parsed.problems)};
}

Result<SessionKey> SessionKeys::enrol(const User& user, const SessionPublicKey& key,
                                      std::chrono::seconds lifetime)
{
    drop_useless();
    const std::uint64_t now = clock_();
    SessionKey made{.id = {},
                    .user = user.name,
                    .key = key,
                    .generation = user.generation,
                    .created = now,
                    .expires = now + static_cast<std::uint64_t>(lifetime.count())};
    fill_random(made.id);
    const auto before = all_of(user.name);
    for (std::size_t count = before.size(); count >= max_session_keys_per_user; --count)
        erase(first_to_go(user));
    insert(made);
    if (const auto saved = save(); !saved) {
        restore(user.name, before);
        return saved.error();
    }
    return made;
}

const SessionKey* SessionKeys::find(const SessionId& id) const
{
    const auto found = keys_.find(id);
    return found == keys_.end() || state(found->second) != KeyState::good ? nullptr : &found->second;
}

std::optional<KeyState> SessionKeys::state(const SessionId& id) const
{
    const auto found = keys_.find(id);
    if (found == keys_.end()) return std::nullopt;
    return state(found->second);
}

Result<bool> SessionKeys::end(std::string_view user, const SessionId& id)
{
    const auto found = keys_.find(id);
    // A key from the future can be ended: it would be good when its time comes.
    if (found == keys_.end() || found->second.user != user || state(found->second) == KeyState::expired)
        return false;
    const std::string name = found->second.user;
    const auto before = all_of(name);
    erase(id);
    if (const auto saved = save(); !saved) {
        // A key that a restart would bring back is not called ended.
        // protection: ended-on-disk
        restore(name, before);
        return {boost::system::in_place_error, saved.error()};
    }
    return true;
}

std::vector<SessionKey> SessionKeys::list(std::string_view user) const
{
    std::vector<SessionKey> keys = all_of(std::string{user});
    std::erase_if(keys, [this](const SessionKey& key) { return state(key) != KeyState::good; });
    for (SessionKey& key : keys)
        key.expires = end_of(key, session_ttl_);
    return keys;
}

std::vector<SessionKey> SessionKeys::all_of(const std::string& user) const
{
    std::vector<SessionKey> keys;
    const auto ids = ids_of_.find(user);
    if (ids == ids_of_.end()) return keys;
    for (const SessionId& id : ids->second)
        keys.push_back(keys_.at(id));
    return keys;
}

SessionId SessionKeys::first_to_go(const User& user) const
{
    const std::vector<SessionId>& ids = ids_of_.at(user.name);
    const auto useless = std::find_if(ids.begin(), ids.end(), [&](const SessionId& id) {
        const SessionKey& key = keys_.at(id);
        return state(key) != KeyState::good || key.generation != user.generation;
    });
    return useless == ids.end() ? ids.front() : *useless;
}

// By a trusted clock, a key that is not good will never be, or comes from a clock that was ahead.
void SessionKeys::drop_useless()
{
    // protection: kept-keys
    if (!trust_.look(clock_(), steady_())) return;
    std::vector<SessionId> useless;
    for (const auto& [id, key] : keys_)
        if (state(key) != KeyState::good) useless.push_back(id);
    for (const SessionId& id : useless)
        erase(id);
}

void SessionKeys::insert(const SessionKey& key)
{
    if (keys_.emplace(key.id, key).second) ids_of_[key.user].push_back(key.id);
}

void SessionKeys::erase(const SessionId& id)
{
    const auto key = keys_.find(id);
    const auto ids = ids_of_.find(key->second.user);
    ids->second.erase(std::find(ids->second.begin(), ids->second.end(), id));
    if (ids->second.empty()) ids_of_.erase(ids);
    keys_.erase(key);
}

void SessionKeys::restore(const std::string& user, const std::vector<SessionKey>& keys)
{
    for (const SessionKey& key : all_of(user))
        erase(key.id);
    for (const SessionKey& key : keys)
        insert(key);
}

Result<void> SessionKeys::save() const
{
    std::string text{header};
    // A user's keys stay in the order in which they were made: the oldest is the first to go.
    for (const auto& [user, ids] : ids_of_)
        for (const SessionId& id : ids)
            text += session_key_line(keys_.at(id));
    return replace_file(data_, sessions_file_name, text, S_IRUSR | S_IWUSR);
}

bool holds(const UserStore& users, std::string_view name, std::uint64_t generation)
{
    const auto user = users.find(name);
    return user && !user->locked && user->generation == generation;
}

} // namespace ftpc::server
