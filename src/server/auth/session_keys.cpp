#include "server/auth/session_keys.hpp"

#include "server/auth/broken_file.hpp"
#include "shared/digest.hpp"
#include "shared/file.hpp"

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
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

SessionKeys::SessionKeys(int data, Clock clock) : data_{data}, clock_{std::move(clock)} {}

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
    const std::uint64_t now = clock_();
    SessionKey made{.id = {},
                    .user = user.name,
                    .key = key,
                    .generation = user.generation,
                    .created = now,
                    .expires = now + static_cast<std::uint64_t>(lifetime.count())};
    fill_random(made.id);

    std::vector<SessionKey> ended;
    const auto ids = ids_of_.find(user.name);
    while (ids != ids_of_.end() && ids->second.size() >= max_session_keys_per_user) {
        ended.push_back(keys_.at(ids->second.front()));
        ids->second.erase(ids->second.begin());
        keys_.erase(ended.back().id);
    }
    insert(made);
    if (const auto saved = save(); !saved) {
        erase(made.id);
        for (const SessionKey& oldest : ended) {
            keys_.emplace(oldest.id, oldest);
            ids_of_[oldest.user].insert(ids_of_[oldest.user].begin(), oldest.id);
        }
        return saved.error();
    }
    return made;
}

const SessionKey* SessionKeys::find(const SessionId& id) const
{
    const auto found = keys_.find(id);
    return found == keys_.end() || has_expired(found->second) ? nullptr : &found->second;
}

bool SessionKeys::has_expired(const SessionId& id) const
{
    const auto found = keys_.find(id);
    return found != keys_.end() && has_expired(found->second);
}

Result<bool> SessionKeys::end(std::string_view user, const SessionId& id)
{
    const SessionKey* key = find(id);
    if (key == nullptr || key->user != user) return false;
    const SessionKey ended = *key;
    const auto order = ids_of_.at(ended.user);
    erase(id);
    if (const auto saved = save(); !saved) {
        // What a restart would bring back is not called ended.
        keys_.emplace(ended.id, ended);
        ids_of_[ended.user] = order;
        return {boost::system::in_place_error, saved.error()};
    }
    return true;
}

std::vector<SessionKey> SessionKeys::list(std::string_view user) const
{
    std::vector<SessionKey> keys;
    const auto ids = ids_of_.find(std::string{user});
    if (ids == ids_of_.end()) return keys;
    for (const SessionId& id : ids->second)
        if (const SessionKey* key = find(id)) keys.push_back(*key);
    return keys;
}

Result<std::size_t> SessionKeys::drop_orphans(const UserStore& users)
{
    std::vector<SessionId> dropped;
    for (const auto& [id, key] : keys_)
        if (has_expired(key) || !holds(users, key.user, key.generation)) dropped.push_back(id);
    for (const SessionId& id : dropped)
        erase(id);
    if (dropped.empty()) return 0;
    if (const auto saved = save(); !saved) return {boost::system::in_place_error, saved.error()};
    return dropped.size();
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
