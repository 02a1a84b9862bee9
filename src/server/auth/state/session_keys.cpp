#include "server/auth/state/session_keys.hpp"

#include "server/auth/state/broken_file.hpp"
#include "server/log/log.hpp"
#include "shared/base/text_lines.hpp"
#include "shared/crypto/digest.hpp"
#include "shared/files/file.hpp"

#include <algorithm>
#include <utility>

namespace ftpc::server {

namespace {

constexpr std::string_view header =
    "# Session keys of ftpcd, written by the server. They end with `ftpc logout`, or\n"
    "# all of a user's with `ftpcd user passwd` and `ftpcd user lock`.\n";

bool has_own_line_ends(std::string_view text)
{
    return !text.starts_with(byte_order_mark) && text.find('\r') == std::string_view::npos;
}

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
    : clock_{std::move(clock)}, steady_{std::move(steady)}, data_{data}, file_{data, sessions_file_name}
{
    trust_.look(clock_(), steady_());
}

SessionKeys::Loaded SessionKeys::load()
{
    remove_left_temporaries(data_, sessions_file_name);
    const auto text = read_private_file(data_, sessions_file_name, max_sessions_file_bytes);
    if (!text && text.error() == boost::system::errc::no_such_file_or_directory) return {};
    if (!text && !is_broken(text.error())) return {{}, {{sessions_file_name, why_not_read(text.error())}}};
    ParsedSessionKeys parsed;
    if (text)
        parsed = parse_session_keys(*text);
    else
        parsed.problems = {{sessions_file_name, why_not_read(text.error())}};
    if (parsed.problems.empty()) {
        for (const SessionKey& key : parsed.keys)
            insert(key);
        lines_ = parsed.changes;
        // Nothing is appended to a change that was broken off, or to lines of another system: the next change
        // replaces the file.
        if (!parsed.is_cut && has_own_line_ends(*text)) file_.take_up(text->size());
        return {};
    }
    // An empty file takes its place: that there is one says that there have been users (ensure_users_file).
    auto name = set_aside(data_, sessions_file_name, clock_(), std::string{header});
    if (name) return {std::move(*name), std::move(parsed.problems)};
    parsed.problems.push_back({sessions_file_name, "cannot be set aside: " + name.error().message()});
    return {{}, std::move(parsed.problems)};
}

std::optional<KeyState> SessionKeys::state(const SessionId& id) const
{
    const std::scoped_lock lock{mutex_};
    const auto found = keys_.find(id);
    if (found == keys_.end()) return std::nullopt;
    return state(found->second);
}

std::optional<SessionKey> SessionKeys::find(const SessionId& id) const
{
    const std::scoped_lock lock{mutex_};
    const auto found = keys_.find(id);
    if (found == keys_.end() || state(found->second) != KeyState::good) return std::nullopt;
    return found->second;
}

std::vector<SessionKey> SessionKeys::list(const std::string& user) const
{
    const std::scoped_lock lock{mutex_};
    std::vector<SessionKey> keys = all_of(user);
    std::erase_if(keys, [this](const SessionKey& key) { return state(key) != KeyState::good; });
    for (SessionKey& key : keys)
        key.expires = end_of(key, session_ttl_);
    return keys;
}

std::size_t SessionKeys::size() const
{
    const std::scoped_lock lock{mutex_};
    return keys_.size();
}

void SessionKeys::carry_out(const std::vector<KeyChange>& changes)
{
    Plan plan;
    plan_to_drop_useless(plan);
    std::vector<std::function<void()>> when_saved;
    when_saved.reserve(changes.size());
    for (const KeyChange& change : changes)
        when_saved.push_back(std::visit(
            [&](const auto& each) -> std::function<void()> {
                return [done = each.done, planned = plan_to(each, plan)] { done(planned); };
            },
            change));
    const auto saved = save(plan);
    // A key that a restart would bring back is not called ended.
    // protection: ended-on-disk
    if (saved) {
        put_in_force(plan);
        for (const auto& report : when_saved)
            report();
        return;
    }
    for (const KeyChange& change : changes)
        std::visit([&](const auto& each) { each.done(saved.error()); }, change);
}

void SessionKeys::compact_if_worthwhile()
{
    constexpr std::size_t few_lines = 1000;
    if (lines_ <= std::max(2 * keys_.size() + few_lines, compact_from_)) return;
    if (const auto replaced = file_.replace(text())) {
        lines_ = keys_.size();
        compact_from_ = 0;
    } else {
        // The longer file is as good.
        log_event("session-keys-not-compacted", {{"reason", replaced.error().message()}});
        compact_from_ = lines_ + few_lines;
    }
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

std::vector<SessionKey>& SessionKeys::planned(Plan& plan, const std::string& user) const
{
    const auto found = plan.keys_of.find(user);
    return found != plan.keys_of.end() ? found->second
                                       : plan.keys_of.emplace(user, all_of(user)).first->second;
}

SessionKey SessionKeys::plan_to(const KeyEnrolment& change, Plan& plan) const
{
    const std::uint64_t now = clock_();
    SessionKey made{.id = {},
                    .user = change.user.name,
                    .key = change.key,
                    .generation = change.user.generation,
                    .created = now,
                    .expires = now + static_cast<std::uint64_t>(change.lifetime.count())};
    fill_random(made.id);
    std::vector<SessionKey>& keys = planned(plan, made.user);
    std::optional<SessionId> replaced;
    if (keys.size() >= max_session_keys_per_user) {
        const auto goes = first_to_go(keys, change.user);
        replaced = goes->id;
        plan.ended.push_back(goes->id);
        keys.erase(goes);
    }
    keys.push_back(made);
    plan.enrolled.push_back(made);
    plan.lines += session_key_line(made, replaced);
    ++plan.changes;
    return made;
}

KeyEnd SessionKeys::plan_to(const KeyRemoval& change, Plan& plan) const
{
    std::vector<SessionKey>& keys = planned(plan, change.user);
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const SessionKey& key) { return key.id == change.id; });
    // A key from the future can be ended: it would be good when its time comes.
    if (found == keys.end() || state(*found) == KeyState::expired) return KeyEnd::no_such_key;
    keys.erase(found);
    plan.ended.push_back(change.id);
    plan.lines += session_key_end_line(change.id);
    ++plan.changes;
    return KeyEnd::ended;
}

std::vector<SessionKey>::const_iterator SessionKeys::first_to_go(const std::vector<SessionKey>& keys,
                                                                 const User& user) const
{
    const auto useless = std::find_if(keys.begin(), keys.end(), [&](const SessionKey& key) {
        return state(key) != KeyState::good || key.generation != user.generation;
    });
    return useless == keys.end() ? keys.begin() : useless;
}

// By a trusted clock, a key that is not good will never be, or comes from a clock that was ahead. Looks at
// some keys at a time, in turn: all of them would take long.
void SessionKeys::plan_to_drop_useless(Plan& plan)
{
    constexpr std::size_t at_a_time = 64;
    // protection: kept-keys
    if (!trust_.look(clock_(), steady_())) return;
    auto next = keys_.upper_bound(looked_at_);
    for (std::size_t left = std::min(at_a_time, keys_.size()); left != 0; --left, ++next) {
        if (next == keys_.end()) next = keys_.begin();
        const SessionKey& key = next->second;
        looked_at_ = key.id;
        if (state(key) == KeyState::good) continue;
        std::erase_if(planned(plan, key.user), [&](const SessionKey& each) { return each.id == key.id; });
        plan.ended.push_back(key.id);
        plan.lines += session_key_end_line(key.id);
        ++plan.changes;
    }
}

Result<void> SessionKeys::save(const Plan& plan)
{
    if (plan.lines.empty()) return {};
    const auto appended = file_.append(plan.lines);
    if (!appended) return appended.error();
    if (*appended == AppendedFile::Appended::on_disk) {
        lines_ += plan.changes;
        return {};
    }
    if (auto replaced = file_.replace(text() + plan.lines); !replaced) return replaced;
    lines_ = keys_.size() + plan.changes;
    return {};
}

void SessionKeys::put_in_force(const Plan& plan)
{
    const std::scoped_lock lock{mutex_};
    for (const SessionKey& key : plan.enrolled)
        insert(key);
    for (const SessionId& id : plan.ended)
        erase(id);
}

std::string SessionKeys::text() const
{
    std::string text{header};
    // A user's keys stay in the order in which they were made: the oldest is the first to go.
    for (const auto& [user, ids] : ids_of_)
        for (const SessionId& id : ids)
            text += session_key_line(keys_.at(id));
    return text;
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

bool holds(const UserStore& users, std::string_view name, std::uint64_t generation)
{
    const auto user = users.find(name);
    return user && !user->locked && user->generation == generation;
}

} // namespace ftpc::server
