#include "server/auth/state/penalty_table.hpp"

#include "shared/crypto/digest.hpp"

#include <algorithm>

namespace ftpc::server {

namespace {

using std::chrono::milliseconds;

} // namespace

Moment system_now()
{
    return std::max(std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()), Moment{});
}

void PenaltyTable::fail(const Key& key, const Key& cause, Moment now)
{
    if (rule_.free == 0) return;
    follow_clock(now);
    Entry& entry = entry_of(key, now);
    const Moment latest = now + rule_.forget * most_failures();
    set_forgotten(key, entry, std::min(std::max(entry.forgotten, now) + rule_.forget, latest));
    entry.penalty_end = now + penalty(failures(key, now));
    auto part = std::find_if(entry.parts.begin(), entry.parts.end(),
                             [&](const Part& p) { return p.failures != 0 && p.cause == cause; });
    if (part == entry.parts.end()) { // the newest stands last; the oldest goes
        std::rotate(entry.parts.begin(), entry.parts.begin() + 1, entry.parts.end());
        part = entry.parts.end() - 1;
        *part = {cause, 0};
    }
    ++part->failures;
}

void PenaltyTable::forgive(const Key& key, const Key& cause, Moment now)
{
    follow_clock(now);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    for (Part& part : entry.parts) {
        if (part.failures == 0 || part.cause != cause) continue;
        const Moment forgotten = entry.forgotten - rule_.forget * part.failures;
        part = {};
        if (forgotten <= now) return erase(key);
        set_forgotten(key, entry, forgotten);
    }
}

unsigned PenaltyTable::failures(const Key& key, Moment now)
{
    follow_clock(now);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.forgotten <= now || rule_.free == 0) return 0;
    const auto rounded_up = (found->second.forgotten - now + rule_.forget - milliseconds{1}) / rule_.forget;
    return static_cast<unsigned>(std::min<std::int64_t>(rounded_up, most_failures()));
}

milliseconds PenaltyTable::penalty(unsigned failures) const
{
    if (failures <= rule_.free || rule_.free == 0) return milliseconds{0};
    milliseconds length = rule_.first;
    for (unsigned i = rule_.free + 1; i < failures && length < rule_.longest; ++i)
        length *= 2;
    return std::min(length, rule_.longest);
}

Moment PenaltyTable::penalty_end(const Key& key, Moment now)
{
    follow_clock(now);
    const auto found = entries_.find(key);
    if (found == entries_.end() || rule_.free == 0) return now;
    bound(key, found->second, now); // the rule may have changed
    return found->second.penalty_end;
}

PenaltyTable::Saved PenaltyTable::bounded(const Saved& saved, Moment now) const
{
    if (rule_.free == 0) return saved;
    return {saved.key, std::min(saved.forgotten, now + rule_.forget * most_failures()),
            std::min(saved.penalty_end, now + rule_.longest)};
}

void PenaltyTable::bound(const Key& key, Entry& entry, Moment now)
{
    const Saved within = bounded({key, entry.forgotten, entry.penalty_end}, now);
    entry.penalty_end = within.penalty_end;
    if (within.forgotten != entry.forgotten) set_forgotten(key, entry, within.forgotten);
}

// When the clock is set back all are bounded at once: one that is looked at a month later must not begin
// then.
void PenaltyTable::follow_clock(Moment now)
{
    const bool set_back = now < std::exchange(now_, now);
    if (!set_back) return;
    for (auto& [key, entry] : entries_)
        bound(key, entry, now);
}

// Enough for the longest penalty; more would only take longer to be forgotten.
unsigned PenaltyTable::most_failures() const
{
    unsigned most = rule_.free + 1;
    while (penalty(most) < rule_.longest)
        ++most;
    return most;
}

PenaltyTable::Entry& PenaltyTable::entry_of(const Key& key, Moment now)
{
    if (const auto found = entries_.find(key); found != entries_.end()) return found->second;
    while (entries_.size() >= capacity_)
        erase(by_forgotten_.begin()->second);
    by_forgotten_.emplace(now, key);
    return entries_.emplace(key, Entry{now, now, {}}).first->second;
}

void PenaltyTable::set_forgotten(const Key& key, Entry& entry, Moment forgotten)
{
    by_forgotten_.erase({entry.forgotten, key});
    entry.forgotten = forgotten;
    by_forgotten_.emplace(forgotten, key);
}

void PenaltyTable::erase(const Key& key)
{
    const auto found = entries_.find(key);
    by_forgotten_.erase({found->second.forgotten, key});
    entries_.erase(found);
}

std::vector<PenaltyTable::Saved> PenaltyTable::save(std::size_t most, Moment now) const
{
    std::vector<Saved> saved;
    for (auto each = by_forgotten_.rbegin();
         each != by_forgotten_.rend() && each->first > now && saved.size() < most; ++each)
        saved.push_back({each->second, each->first, entries_.at(each->second).penalty_end});
    return saved;
}

void PenaltyTable::restore(const Saved& saved, Moment now)
{
    if (entries_.size() >= capacity_ || entries_.contains(saved.key)) return;
    Entry& entry = entries_.emplace(saved.key, Entry{saved.forgotten, saved.penalty_end, {}}).first->second;
    by_forgotten_.emplace(saved.forgotten, saved.key);
    bound(saved.key, entry, now);
}

// Unauthenticated clients choose the keys; the seed keeps them from choosing ones that collide.
std::uint64_t PenaltyTable::random_seed()
{
    std::array<std::uint8_t, sizeof(std::uint64_t)> random{};
    fill_random(random);
    std::uint64_t seed = 0;
    std::memcpy(&seed, random.data(), random.size());
    return seed;
}

std::size_t PenaltyTable::KeyHash::operator()(const Key& key) const
{
    std::array<std::uint64_t, 2> halves{};
    std::memcpy(halves.data(), key.data(), key.size());
    std::uint64_t hash = seed;
    for (const std::uint64_t half : halves) { // the finalizer of MurmurHash3's mixing, for each half
        hash ^= half;
        hash ^= hash >> 33U;
        hash *= 0xff51afd7ed558ccdULL;
        hash ^= hash >> 33U;
    }
    return hash;
}

} // namespace ftpc::server
